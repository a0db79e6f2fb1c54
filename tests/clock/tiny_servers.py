"""Servers of a few lines in three languages: each tells its time, and its process id, in reply to any GET."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PYTHON = """
import os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = f"{time.time()} {os.getpid()}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
class Server(ThreadingHTTPServer):
    request_queue_size = 128
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
NODE = """
require("http").createServer((request, reply) => {
  const body = `${Date.now() / 1000} ${process.pid}`;
  reply.setHeader("Content-Length", body.length);
  reply.end(body);
}).listen(Number(process.argv[2]), "127.0.0.1");
"""
JAVA = """
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
public class Tiny {
  public static void main(String[] given) throws Exception {
    var server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(given[0])), 128);
    server.createContext("/", exchange -> {
      var body = (System.currentTimeMillis() / 1000.0 + " " + ProcessHandle.current().pid()).getBytes();
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.start();
  }
}
"""
# The program, the name of the file, and its text. Java compiles one file when it starts it, from release 11 on.
_WRITTEN: Mapping[str, tuple[str, str, str]] = {
    "python": (sys.executable, "tiny.py", PYTHON),
    "node": ("node", "tiny.js", NODE),
    "java": ("java", "Tiny.java", JAVA),
}
LANGUAGES = tuple(_WRITTEN)


def program_of(language: str) -> str | None:
    """The path of the program that runs a language here; None where it is not installed."""
    return shutil.which(_WRITTEN[language][0])


def command_of(language: str, folder: Path, port: int) -> Sequence[str]:
    """Write the server of a language into a folder; returns the command that starts it on a port."""
    program, name, text = _WRITTEN[language]
    (folder / name).write_text(text, encoding="utf-8")
    return (program, f"{folder / name}", f"{port}")
