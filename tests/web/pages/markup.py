"""Reads a page the way an assistive technology would, and says what is wrong with it."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

_VOID = {"meta", "link", "img", "input", "br", "hr", "rect", "path"}


class Page(HTMLParser):
    """A parsed page: its faults, its headings, its text and its controls."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.labelled: set[str] = set()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.faults: list[str] = []
        self.words: list[str] = []
        self.names: list[tuple[str, dict[str, str], str]] = []
        self._open: list[list] = []
        self.feed(text)
        self.close()
        self._judge()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def named(self, tag: str) -> dict[str, dict[str, str]]:
        """Give the links or buttons of the page by what they are called."""
        return {name: attributes for kind, attributes, name in self.names if kind == tag}

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if "id" in attributes:
            self.ids[attributes["id"]] += 1
        if tag == "label":
            self.labelled.add(attributes["for"])
        if tag not in _VOID:
            self._open.append([tag, attributes, []])

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        while self._open:
            kind, attributes, words = self._open.pop()
            if kind in {"a", "button"}:
                name = attributes.get("aria-label") or " ".join("".join(words).split())
                self.names.append((kind, attributes, name))
            if kind == tag:
                return
            self.faults.append(f"<{kind}> is not closed before </{tag}>")
        self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if self._open and self._open[-1][0] not in {"script", "style", "title"}:
            self.words.append(data)
        for entry in self._open:
            if not any(inner[1].get("aria-hidden") for inner in self._open[self._open.index(entry) :]):
                entry[2].append(data)

    def _judge(self) -> None:
        kinds = Counter(tag for tag, _ in self.tags)
        self.faults += [f"{kinds[tag]} times <{tag}>" for tag in ("h1", "main", "title") if kinds[tag] != 1]
        self.faults += [f"the id {name} {times} times" for name, times in self.ids.items() if times > 1]
        self.faults += [f"a {kind} without a name: {about}" for kind, about, name in self.names if not name]
        for tag, attributes in self.tags:
            self._judge_tag(tag, attributes)

    def _judge_tag(self, tag, attributes) -> None:
        if tag == "img" and "alt" not in attributes:
            self.faults.append("a picture without alt")
        if tag in {"input", "select"} and not (
            attributes.get("type") == "hidden"
            or attributes.get("aria-label")
            or attributes.get("id") in self.labelled
        ):
            self.faults.append(f"a field without a label: {attributes}")
        if "style" in attributes or any(name.startswith("on") for name in attributes):
            self.faults.append(f"inline style or script, which the policy forbids: <{tag}>")
        if tag == "style" or (tag == "script" and "src" not in attributes):
            self.faults.append(f"an inline <{tag}>")
        for name in ("aria-labelledby", "aria-describedby"):
            for target in attributes.get(name, "").split():
                if not self.ids[target]:
                    self.faults.append(f"{name} points to nothing: {target}")
