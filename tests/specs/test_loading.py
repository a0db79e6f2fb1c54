"""How spec files become objects, on small specs of our own: what each field means, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from kms_conformance.catalogue.profile import AcceptedAnswer, Deletion, Profile, Refusal, RequestId, Window
from kms_conformance.catalogue.requirements import Catalogue, Condition, Document, Erratum, Requirement, Source
from kms_conformance.core import specs
from kms_conformance.core.specs import _directory

Write = Callable[[str, object], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a spec file of the dialect `d`, the only one that there is."""

    def written(name: str, content: object) -> None:
        path = tmp_path / "d" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), "utf-8")

    monkeypatch.setattr(specs, "SPECS", tmp_path)
    forget()
    yield written
    forget()


def forget() -> None:
    specs.load.cache_clear()
    Catalogue.load.cache_clear()


def entry(name: str, **more: object) -> dict[str, object]:
    source = {"document": "page", "row": "the row"}
    return {"id": name, "level": "MUST", "statement": "It holds.", "source": [source], **more}


def requirements(*entries: dict[str, object], **more: object) -> dict[str, object]:
    page = {"title": "The page", "publisher": "The cloud", "url": "https://example.com", "tier": "vendor"}
    basics = {"documents": {"page": page}, "requirements": list(entries), "exclusions": [], "errata": []}
    return basics | more


PAGE = Document("page", "The page", "The cloud", "https://example.com", "vendor")


def test_a_requirement_with_nothing_but_what_it_needs(write: Write) -> None:
    write("requirements.yaml", requirements(entry("a")))
    catalogue = Catalogue.load("d")
    assert list(catalogue) == [Requirement("a", "MUST", "It holds.", (Source(PAGE, "", "the row"),), Condition())]
    assert (catalogue.dialect, catalogue.exclusions, catalogue.errata) == ("d", (), ())
    assert dict(catalogue.documents) == {"page": PAGE}
    assert ("a" in catalogue, "b" in catalogue, catalogue["a"].id) == (True, False, "a")


def test_a_requirement_with_sources_and_conditions(write: Write) -> None:
    first = {"document": "page", "section": "Request", "row": "one"}
    when = {"auth": ["token", "aksk"], "fact": "external_keys", "given": "a key"}
    sources = [first, {"document": "page", "row": "two"}]
    given = entry("a", level="MAY", source=sources, when=when, reached=["enabled", "disabled"])
    write("requirements.yaml", requirements(given, entry("b")))
    found = Catalogue.load("d")["a"]
    assert found.sources == (Source(PAGE, "Request", "one"), Source(PAGE, "", "two"))
    assert (found.level, found.condition) == ("MAY", Condition(("token", "aksk"), "external_keys", "a key"))
    assert (found.reached, Catalogue.load("d")["b"].reached) == ({"enabled", "disabled"}, frozenset())


def test_places_of_a_document_are_pairs_of_section_and_row(write: Write) -> None:
    page = {"title": "t", "publisher": "p", "url": "u", "tier": "document", "places": {"A": ["1", "2"], "B": ["1"]}}
    write("requirements.yaml", requirements(documents={"page": page}))
    expected = Document("page", "t", "p", "u", "document", frozenset({("A", "1"), ("A", "2"), ("B", "1")}))
    assert Catalogue.load("d").documents["page"] == expected


def test_exclusions_and_errata_keep_all_that_they_say(write: Write) -> None:
    excluded = {"source": {"document": "page", "section": "S", "row": "r"}, "reason": "not on the wire"}
    short = {"id": "E-1", "question": "q", "readings": ["a", "b"], "followed": "a", "reason": "why"}
    long = short | {"id": "E-2", "requirements": ["x"], "refusals": ["y", "z"]}
    write("requirements.yaml", requirements(exclusions=[excluded], errata=[short, long]))
    catalogue = Catalogue.load("d")
    assert catalogue.exclusions == ((Source(PAGE, "S", "r"), "not on the wire"),)
    assert catalogue.errata == (
        Erratum("E-1", "q", ("a", "b"), "a", "why", (), ()),
        Erratum("E-2", "q", ("a", "b"), "a", "why", ("x",), ("y", "z")),
    )


def test_an_id_that_stands_twice_is_an_error_that_names_it(write: Write) -> None:
    write("requirements.yaml", requirements(entry("a"), entry("b"), entry("b")))
    with pytest.raises(ValueError, match=r"^d: the requirement b occurs twice$"):
        Catalogue.load("d")


def test_what_is_loaded_cannot_be_changed(write: Write) -> None:
    write("requirements.yaml", requirements(entry("a")))
    catalogue = Catalogue.load("d")
    for mapping in (catalogue.requirements, catalogue.documents):
        with pytest.raises(TypeError):
            mapping["x"] = None


def test_a_source_is_cited_by_publisher_title_and_place() -> None:
    assert str(Source(PAGE, "Request", "the row")) == "The cloud, “The page” · Request · the row"
    assert str(Source(PAGE, "", "the row")) == "The cloud, “The page” · the row"


@pytest.mark.parametrize(
    ("tiers", "strongest"),
    [(("inferred", "document", "vendor"), "document"), (("inferred", "vendor"), "vendor"), (("inferred",), "inferred")],
)
def test_a_requirement_is_as_strong_as_its_strongest_source(tiers: tuple[str, ...], strongest: str) -> None:
    sources = tuple(Source(Document("p", "t", "p", "u", tier), "", "r") for tier in tiers)
    assert Requirement("a", "MUST", "s", sources).tier == strongest


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (Condition(), None),
        (Condition(given="a key"), None),
        (Condition(auth=("token", "aksk")), None),
        (Condition(fact="some_keys"), None),
        (Condition(("token",), "some_keys"), None),
        (Condition(("aksk", "rpc")), "It applies to aksk and rpc; the target signs in by token."),
        (Condition(fact="external_keys"), "The profile p says that external keys do not apply."),
        (Condition(("token",), "external_keys"), "The profile p says that external keys do not apply."),
    ],
)
def test_a_requirement_applies_unless_way_to_sign_in_or_profile_say_otherwise(
    condition: Condition, why: str | None
) -> None:
    profile = Profile("d", "p", "", {"external_keys": False, "some_keys": True})
    assert Requirement("a", "MUST", "s", (), condition).not_applicable_because(profile, "token") == why


FACTS = {
    "window": {"minimum": 7, "maximum": 30, "wire_type": "integer"},
    "deletion": {
        "date_tolerance_seconds": 1,
        "date_may_be_rounded_up_to_seconds": [60, 3600],
        "gone_within_seconds": 2,
    },
    "request_id": {"required": True, "header": "X-Request-Id"},
    "after_cancel": "disabled",
    "settle_seconds": 3,
    "states": {"enabled": "2", "disabled": "3"},
    "lifecycle": {"cancel": {"enabled": "not_pending"}},
    "refusals": {
        "one": {"answers": [{"status": 404, "code": "Unknown"}]},
        "other": {
            "answers": [{"status": 400, "code": "A"}, {"status": 403, "code": "B"}],
            "or_accepted": True,
            "reason": "no page says",
        },
    },
}


@pytest.fixture
def profile(write: Write) -> Profile:
    entries = {
        "documents": {"title": "To the letter", "facts": FACTS},
        "child": {
            "title": "A cloud",
            "extends": "documents",
            "facts": {"window": {"maximum": 366}, "states": {"gone": "9"}, "deletion": 5, "more": [1]},
        },
        "grandchild": {"title": "Its region", "extends": "child", "facts": {"window": {"minimum": 8}, "more": [2]}},
    }
    write("profiles.yaml", {"profiles": entries})
    return Profile.load("d")


def test_a_profile_is_its_facts_as_objects(profile: Profile) -> None:
    assert (profile.dialect, profile.name, profile.title, profile.facts) == ("d", "documents", "To the letter", FACTS)
    assert profile.window == Window(7, 30, "integer")
    assert profile.deletion == Deletion(1, (60, 3600), 2)
    assert profile.request_id == RequestId(required=True, header="X-Request-Id")
    assert profile.after_cancel == "disabled"
    assert profile.settle_seconds == 3.0


def test_a_profile_has_the_facts_of_its_ancestors_but_for_those_that_it_names(profile: Profile) -> None:
    found = Profile.load("d", "grandchild")
    assert (found.name, found.title, found.window) == ("grandchild", "Its region", Window(8, 366, "integer"))
    assert found.facts["states"] == {"enabled": "2", "disabled": "3", "gone": "9"}
    assert (found.facts["more"], found.facts["deletion"]) == ([2], 5)
    assert found.refusal("one") == profile.refusal("one")
    assert profile.facts == FACTS, "merging changed what it merged"
    assert specs.facts("d") == FACTS
    assert specs.profile_names("d") == ("documents", "child", "grandchild")
    with pytest.raises(KeyError):
        Profile.load("d", "nobody")


def test_dialects_are_the_folders_that_have_profiles(profile: Profile, write: Write, tmp_path: Path) -> None:
    for name in ("z", "a", "schemas"):
        (tmp_path / name).mkdir()
    for name in ("z", "a"):
        (tmp_path / name / "profiles.yaml").touch()
    assert specs.dialects() == ("a", "d", "z")


def test_a_state_that_the_profile_does_not_know_equals_none(profile: Profile) -> None:
    assert [profile.state(wire) for wire in ("2", "3", 2, None)] == [
        "enabled",
        "disabled",
        "unknown (2)",
        "unknown (None)",
    ]


def test_a_refusal_admits_a_status_only_with_its_code(profile: Profile) -> None:
    one, other = profile.refusal("one"), profile.refusal("other")
    assert one == Refusal("one", (AcceptedAnswer(404, "Unknown"),))
    assert (one.or_accepted, one.reason) == (False, "")
    assert other == Refusal(
        "other", (AcceptedAnswer(400, "A"), AcceptedAnswer(403, "B")), or_accepted=True, reason="no page says"
    )
    asked = [(400, "A"), (403, "B"), (400, "B"), (403, "A"), (404, "A"), (400, None)]
    assert [other.admits(status, code) for status, code in asked] == [True, True, False, False, False, False]
    assert (str(one), str(other)) == ("404 Unknown", "400 A or 403 B")
    with pytest.raises(KeyError):
        profile.refusal("third")


def test_an_operation_is_accepted_in_every_state_that_the_profile_does_not_name(profile: Profile) -> None:
    asked = [("cancel", "enabled"), ("cancel", "disabled"), ("describe", "enabled")]
    assert [profile.refusal_in(*each) for each in asked] == ["not_pending", None, None]


def test_specs_lie_within_the_package_once_it_is_installed_and_beside_it_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "conformance" / "kms_conformance"
    package.mkdir(parents=True)
    monkeypatch.setattr(specs, "__file__", str(package / "core" / "specs.py"))
    assert _directory() == tmp_path / "specs"
    (package / "_specs").mkdir()
    assert _directory() == package / "_specs"


def test_a_date_in_a_spec_stays_the_text_that_was_written() -> None:
    assert specs.parse_yaml("day: 2026-01-01\nat: 2026-01-01T00:00:00Z\n") == {
        "day": "2026-01-01",
        "at": "2026-01-01T00:00:00Z",
    }


def test_a_key_that_stands_twice_is_an_error_that_shows_where() -> None:
    with pytest.raises(yaml.YAMLError, match=r"the key 'b' occurs twice\s+in .*, line 2, column 4") as raised:
        specs.parse_yaml("a: 1\nc: {b: 1, x: 3, b: 2}\n")
    assert raised.value.problem_mark.line == 1


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("a: 1\nb: &x [1, *x]\n", "a value that contains itself", 1),
        ("a: 1\nb: !!binary aGk=\n", "the tag 'tag:yaml.org,2002:binary'", 1),
        ("a: !!python/name:os.system x\n", "the tag 'tag:yaml.org,2002:python/name:os.system'", 0),
        ("a: !!int x\n", "a value that does not fit the tag 'tag:yaml.org,2002:int'", 0),
        ("? [1]\n: 2\n", "a key that is a mapping or a sequence", 0),
        ("a: 1\n<<: 5\n", "only a mapping can be merged", 1),
        ("a: &a {b: 1}\nc: {<<: *a, b: 2}\n", "the key 'b' occurs twice", 1),
    ],
)
def test_what_has_no_place_in_a_spec_is_an_error_that_shows_where(text: str, problem: str, line: int) -> None:
    with pytest.raises(yaml.YAMLError) as raised:
        specs.parse_yaml(text)
    assert (raised.value.problem, raised.value.problem_mark.line) == (problem, line)


def test_numbers_booleans_and_nothing_are_read_as_yaml_spells_them() -> None:
    text = "[0x1f, 010, 1:30, 1_000, .inf, 1.5e+3, 1e3, yes, off, ~, null, '7', !!int '7', <]"
    assert specs.parse_yaml(text) == [
        *(31, 8, 90, 1000, float("inf"), 1500.0, "1e3", True, False, None, None, "7", 7, "<"),
    ]


def test_a_mapping_of_many_keys_is_read_in_time_that_grows_with_them() -> None:
    text = "".join(f"key{number}: text\n" for number in range(30_000))
    started = time.process_time()
    assert len(specs.parse_yaml(text)) == 30_000
    # 1.9 s on a busy machine; comparing every key with those before it took 12 s.
    assert time.process_time() - started < 6


def test_mappings_may_be_merged_and_nested() -> None:
    text = "base: &base {a: {x: [1, {y: 2}]}, b: 2}\nmore:\n  <<: *base\n  c: {d: 3}\n"
    base = {"a": {"x": [1, {"y": 2}]}, "b": 2}
    assert specs.parse_yaml(text) == {"base": base, "more": base | {"c": {"d": 3}}}


def test_a_spec_file_is_read_once_as_utf_8(write: Write) -> None:
    write("x.yaml", "name: “ä”\n")
    assert specs.load("d/x.yaml") == {"name": "“ä”"}
    assert specs.load("d/x.yaml") is specs.load("d/x.yaml")
