"""Clicks on all that can be clicked on a statement."""

from __future__ import annotations

from typing import Any


def click_through(page: Any, *, targets: int) -> None:
    """Open each row, follow each link within the page, press each filter."""
    assert page.evaluate(OPEN) == []
    assert page.evaluate(FOLLOW) == []
    filtered = page.evaluate(FILTER)
    assert filtered["wrong"] == []
    assert filtered["tried"] >= targets * 2


# Each link within the page leads to something that is there and can be seen, or that opens.
FOLLOW = """() => [...document.querySelectorAll('a[href^="#"]')].flatMap(link => {
  link.click();
  const found = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  const fits = found && found.getClientRects().length && (!(found instanceof HTMLDetailsElement) || found.open);
  return fits ? [] : [link.hash];
})"""
# Each row opens when its summary is clicked, and then shows more. Heights are read at once: each reading lays out anew.
OPEN = """() => {
  const found = [...document.querySelectorAll('details')];
  const height = each => each.getBoundingClientRect().height;
  const before = found.map(height);
  found.forEach(each => each.querySelector('summary').click());
  const after = found.map(height);
  return found.filter((each, index) => !each.open || after[index] <= before[index]).map(each => each.id);
}"""
# Each filter shows as many rows as it says.
FILTER = """() => {
  const wrong = [];
  let tried = 0;
  for (const part of document.querySelectorAll('.part')) {
    for (const button of part.querySelectorAll('fieldset button')) {
      button.click();
      tried += 1;
      const shown = [...part.querySelectorAll('.row')].filter(row => row.getClientRects().length).length;
      if (shown !== Number(button.textContent.match(/\\d+/)[0])) wrong.push(button.textContent + ': ' + shown);
    }
  }
  return { wrong, tried };
}"""
# What axe-core looks at takes it a second for each hundred rows, and rows are alike: two of each family stay.
FEWER = """() => {
  for (const list of document.querySelectorAll('.group, .matrix ul, .errata, .ids')) {
    const rows = [...list.children].filter(each => each.matches('.row, li'));
    rows.slice(2).forEach(each => each.remove());
  }
}"""
