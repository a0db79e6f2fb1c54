"""What must be true of any page of ours, without a browser: balanced, ids once, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "hr", "img", "input"}
_LOADS = {"src", "srcset", "data", "action", "formaction", "poster", "background", "manifest", "ping"}


class Page(HTMLParser):
    """A parsed page; `problems` is empty where it is sound."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.references: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.texts: list[str] = []
        self.policy = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self._finish(text)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, {name: value or "" for name, value in attrs})
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, {name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        kind = self._open[-1] if self._open else ""
        {"script": self.scripts, "style": self.styles}.get(kind, self.texts).append(data)

    def _attributes(self, tag: str, attributes: dict[str, str]) -> None:
        self.problems += [f"<{tag} {name}>" for name in attributes if name.startswith("on") or name == "style"]
        self.problems += [f"<{tag}> loads {attributes[name]}" for name in attributes if name in _LOADS]
        if "id" in attributes:
            self.ids[attributes["id"]] += 1
        self.references += [value for name in ("aria-labelledby", "data-copy") if (value := attributes.get(name))]
        href = attributes.get("href", "")
        if href.startswith("#"):
            self.references.append(href[1:])
        elif tag == "a":
            self.links.append(href)
        elif href not in {"", "data:,"}:
            self.problems.append(f"<{tag}> loads {href}")
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]

    def _finish(self, text: str) -> None:
        self.problems += [f"<{tag}> is not closed" for tag in self._open]
        self.problems += [f"the id {name} stands {count} times" for name, count in self.ids.items() if count > 1]
        self.problems += [f"nothing has the id {name}" for name in self.references if name not in self.ids]
        self.problems += [f"a link to {link}" for link in self.links if not link.startswith("https://")]
        self.problems += [f"a style loads: {style}" for style in self.styles if re.search(r"url\(|@import", style)]
        self.problems += [f"{ord(found[0]):#x} in the text" for found in re.finditer(r"[\x00-\x08\x0b-\x1f\x7f]", text)]
        self.problems += list(self._unpoliced())

    def _unpoliced(self) -> Iterator[str]:
        for content in (*self.scripts, *self.styles):
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            if f"'sha256-{digest}'" not in self.policy:
                yield f"the policy does not admit {content[:40]!r}"
        if "default-src 'none'" not in self.policy or "unsafe" in self.policy:
            yield f"the policy is {self.policy!r}"
