"""What cannot be read is refused in a sentence, with its line and what would be right."""

from __future__ import annotations

import time

from events.detection.sigma.document import LARGEST_DOCUMENT, LARGEST_FILE
from events.detection.sigma.read import read_rules
from tests.detection.sigma.writing import UID, only_problem, with_correlation, with_detection, with_items

GOOD = with_items("source: CD")
COUNT = "type: event_count\ntimespan: 1h\ncondition: {gte: 2}"


def counting(old: str, new: str) -> str:
    return with_correlation(COUNT.replace(old, new))


def saying(old: str, new: str) -> str:
    return GOOD.replace(old, new)


def condition(written: str, more: str = "") -> str:
    return with_detection(f"  selection: {{source: CD}}\n{more}  condition: {written}")


# Text, line, what the message holds.
ITEMS = [
    ("user_email|re: '(a+)+$'", "repeats “(a+)”", "Repeat it once."),
    ("user_email|re: '(a|aa)*b'", "repeats “(a|aa)”", ""),
    ("user_email|re: '(?:[a-z]*)*b'", "repeats “(?:[a-z]*)”", ""),
    (r"user_email|re: '(\w|\d)+b'", "repeats", ""),
    ("user_email|re: '(?=a)b'", "looks ahead or behind", "not filter"),
    ("user_email|re: '(?<!a)b'", "looks ahead or behind", ""),
    (r"user_email|re: '(a)\1'", "refers back", "two conditions"),
    ("user_email|re: '(?P<x>a)(?P=x)'", "refers back", ""),
    ("user_email|re: '(?>a)'", "atomic groups", ""),
    ("user_email|re: 'a*+'", "possessive", ""),
    ("user_email|re: '((a{100}){100}){100}'", "too much memory", "1000 times"),
    (r"user_email|re: '(\pL{50}){19}'", "too much memory", ""),
    ("user_email|re: '['", "“[” is not a regular expression", "missing ]"),
    (f"user_email|re: '{'a' * 1001}'", "at most 1000 characters", ""),
    (f"user_email|re: '{'(' * 60}a{')' * 60}'", "nested more than 30 levels deep", ""),
    ("evnt_type: X", "no field “evnt_type”", "Did you mean event_type?"),
    ("msisdn: 44", "no field “msisdn”", "“context.” and a key"),
    ("context..x: X", "no field", ""),
    ("event_type|contain: X", "no modifier “contain”", "Did you mean contains?"),
    ("event_type|: X", "no modifier “”", "Use one of"),
    ("event_type|contains|contains: X", "is listed twice", ""),
    ("event_type|contains|startswith: X", "cannot be combined", ""),
    ("event_type|re|contains: X", "cannot be combined", "found anywhere"),
    ("event_type|re|cidr: X", "cannot be combined", ""),
    ("autoreload_amount|gt|cased: 1", "cannot be combined", ""),
    ("event_type|exists|all: true", "cannot be combined", ""),
    ("event_type|i: X", "only after “re”", ""),
    ("event_type|base64: X", "no encoded text", ""),
    ("event_type|hour: 3", "is not a field", "unusual_hours"),
    ("event_type|windash: X", "no command lines", ""),
    ("event_type|expand: '%x%'", "placeholders", ""),
    ("event_type|fieldref: evnt_id", "no field “evnt_id”", "Did you mean event_id?"),
    ("event_type|exists: often", "true or false", ""),
    ("event_type|contains: null", "does not accept null", ""),
    ("autoreload_amount|gt: many", "takes a number", ""),
    ("source_ip|cidr: 10.0.0.1/8", "is not a network", "Did you mean 10.0.0.0/8?"),
    ("source_ip|cidr: home", "is not a network", "192.0.2.0/24"),
    ("source_country: NO", "YAML reads NO as true or false", "'NO'"),
    ("context.msisdn: 0447700", "a different number", "'0447700'"),
    ("context.amount: 1_000", "a different number", ""),
    ("context.amount: .inf", "a different number", ""),
    ("user_email: ''", "Empty text matches nothing", "Write null"),
    ("user_email: []", "has no value", ""),
    ("user_email: {a: b}", "must be plain text", ""),
    ("user_email: [[a]]", "must be plain text", ""),
    ("user_email: *@example.com", "not YAML", "in quotes"),
    ("user_email: &all a", "Anchors and aliases", "in quotes"),
    ("user_email: !!python/name:os.system x", "The tag !!python/name:os.system is not supported", ""),
    ('user_email: "a\\0b"', "cannot contain NUL", ""),
]
DOCUMENTS = [
    ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 1, "Anchors and aliases"),
    ("title: t\n<<: {a: b}\n", 2, "A key must be plain text"),
    ("title: t\n? [a]\n: b\n", 2, "A key must be plain text"),
    (with_items("user_email: a", "user_email: b"), 8, "a second time; the first is on line 7. Make one list"),
    (f"a: {'[' * 3000}", 1, "nested more than 12 levels deep"),
    ("".join(f"{' ' * depth}a:\n" for depth in range(300)), 13, "nested more than 12 levels deep"),
    (GOOD + "#" * LARGEST_DOCUMENT, 1, "A rule has at most 64 KB"),
    ("x" * (LARGEST_FILE + 1), 1, "A file of rules has at most 1024 KB"),
    ("title: 'x\n", 2, "This is not YAML"),
    ("title: x\n\tid: y\n", 2, "This is not YAML"),
    ("title: x\n...\ntitle: y\n", 3, "This is not YAML"),
    ("hello", 1, "begins with keys and values"),
    ("- a\n- b\n", 1, "begins with keys and values"),
    ("", 1, "There is no rule in it"),
    ("# nothing\n---\n", 1, "There is no rule in it"),
    (saying("Rule 1", "a\0b"), 1, "invisible character: U+0000"),
    (saying("Rule 1", "a\u202eb"), 1, "invisible character: U+202E"),
    (saying("Rule 1", "a\u200bb"), 1, "invisible character: U+200B"),
    (saying("Rule 1", "a\u2028b"), 1, "invisible character: U+2028"),
    (saying("Rule 1", '"a\\u202eb"'), 1, "“title” contains an invisible character"),
    (saying("title: Rule 1\n", ""), 1, "“rule” needs “title”"),
    (saying("Rule 1", "[t]"), 1, "“title” must be text"),
    (saying("Rule 1", "12"), 1, "Put it in quotes if you mean text: '12'"),
    (saying("Rule 1", "x" * 201), 1, "at most 200 characters"),
    (saying(f"id: {UID}1\n", ""), 1, "“rule” needs “id”. Here is a new one"),
    (saying(f"{UID}1", "one"), 2, "“id” must be a UUID"),
    (saying("level: low\n", ""), 1, "“rule” needs “level”. Use one of: informational, low"),
    (saying("level: low", "level: hihg"), 3, "“level” cannot be “hihg”. Did you mean high?"),
    (saying("level: low", "level: low\nstatus: fine"), 4, "“status” cannot be “fine”"),
    (saying("level: low", "level: low\nlevle: low"), 4, "“rule” has no “levle”. Did you mean level?"),
    (saying("level: low", "level: low\nname: a b"), 4, "letters, digits, _ and -"),
    (saying("level: low", "level: low\ntags: [t1078]"), 4, "“t1078” is not"),
    (saying("level: low", "level: low\nreferences: ['javascript:x']"), 4, "begins with https://"),
    (saying("level: low", "level: low\ndate: yesterday"), 4, "must be a date, such as"),
    (saying("level: low", "level: low\nrelated: x"), 4, "must be a list"),
    ("title: f\nfilter: {}\n", 2, "filters are not supported"),
    ("title: f\naction: global\n", 2, "an older version of Sigma"),
    ("title: f\n", 1, "either a detection or a correlation"),
    (saying("level: low", "level: low\ncorrelation: {}"), 1, "either a detection or a correlation"),
    (saying("vonage", "windows"), 4, "“product” cannot be “windows”. Use one of: vonage"),
    (saying("service: audit", "service: security"), 4, "Use one of: audit, sync"),
    (saying("product: vonage, service: audit", "category: x"), 4, "“product: vonage” and “service: audit”"),
    (saying("product: vonage, ", ""), 4, "“logsource” needs “product”"),
    (with_detection("  selection: {source: CD}"), 5, "has no condition. Add one"),
    (with_detection("  condition: selection"), 5, "has no selection"),
    (with_detection("  - source"), 5, "must have selections and a condition"),
    (with_detection("  'a b': {source: CD}\n  condition: a"), 6, "cannot be the name of a selection"),
    (with_detection("  not: {source: CD}\n  condition: not"), 6, "cannot be the name of a selection"),
    (with_detection("  selection: {}\n  condition: selection"), 6, "“selection” is empty"),
    (with_detection("  selection:\n  condition: selection"), 6, "“selection” is empty"),
    (with_detection("  selection: [null]\n  condition: selection"), 6, "Keywords must be text"),
    (with_detection("  selection: {'|cidr': 10.0.0.0/8}\n  condition: selection"), 6, "needs a field before it"),
    (condition("selction"), 7, "no selection “selction”. Did you mean selection?"),
    (condition("selection AND selection"), 7, "“AND” cannot stand there in the condition. Did you mean and?"),
    (condition("selection | count() > 5"), 7, "older version of Sigma. Add a second document with a correlation"),
    (condition("(selection"), 7, "parenthesis that is not closed"),
    (condition("selection)"), 7, "“)” cannot stand there"),
    (condition("selection and"), 7, "ends too early"),
    (condition("2 of sel*"), 7, "“2 of” is not supported. Write “1 of” or “all of”"),
    (condition("1 of other*"), 7, "No selection has a name like"),
    (condition("[]"), 7, "“condition” is empty"),
    (condition("7"), 7, "must be text"),
    (condition("(" * 500 + "selection" + ")" * 500), 7, "nested more than 20 levels deep"),
    (condition("not " * 400 + "selection"), 7, "nested more than 20 levels deep"),
    (condition(" or ".join(["selection"] * 300)), 7, "at most 2000 characters"),
    (condition("selection", "  other: {source: X}\n"), 7, "does not use “other”"),
    (condition("selection", "  timeframe: 5m\n"), 7, "“timeframe” belongs to an older version of Sigma"),
    (with_items("problem: silence", service="sync"), 7, "no problem “silence”. Did you mean silent?"),
    (with_items("user_email: x", service="sync"), 7, "no field “user_email”. Use one of: account, problem."),
    (
        with_items("problem: gap", service="sync").replace("level: low", "level: low\ncustom: {dormant: {}}"),
        4,
        "“dormant” needs events of “service: audit”",
    ),
    (saying("level: low", "level: low\ncustom: {frist_seen: {}}"), 4, "Did you mean first_seen?"),
    (saying("level: low", "level: low\ncustom: {first_seen: {}}"), 4, "“first_seen” needs “fields”"),
    (saying("level: low", "level: low\ncustom: {first_seen: {fields: [user_emial]}}"), 4, "Did you mean user_email?"),
    (saying("level: low", "level: low\ncustom: {first_seen: {fields: [source, source]}}"), 4, "is listed twice"),
    (saying("level: low", "level: low\ncustom: {dormant: {field: context.x}}"), 4, "cannot be “context.x”"),
    (saying("level: low", "level: low\ncustom: {raised: {field: autoreload_amount, factor: 1}}"), 4, "from 1.01 to"),
    (saying("level: low", "level: low\ncustom: {unusual_hours: {share: 9}}"), 4, "from 0.001 to 0.5"),
    (saying("level: low", "level: low\ncustom: {merge: 1 H}"), 4, "such as 90s, 30m, 12h or 7d. Did you mean 1h?"),
    (saying("level: low", "level: low\ncustom: {merge: 9y}"), 4, "at most 731 days"),
    (saying("level: low", "level: low\ncustom: {dashboard: 'javascript:alert(1)'}"), 4, "begins with https://"),
    (saying("level: low", "level: low\ncustom: {es: {titel: x}}"), 4, "Did you mean title?"),
    (saying("level: low", "level: low\ncustom: [x]"), 4, "must have keys and values"),
    (counting("type: event_count\n", ""), 13, "“correlation” needs “type”"),
    (counting("event_count", "event_cuont"), 15, "Did you mean event_count?"),
    (counting("event_count", "value_sum"), 15, "“value_sum” are not supported. Use one of: event_count"),
    (counting("timespan: 1h\n", ""), 13, "needs “timespan”"),
    (counting("1h", "0m"), 16, "more than zero"),
    (counting("condition: {gte: 2}", ""), 13, "Write it as “condition: {gte: 10}”"),
    (counting("{gte: 2}", "one and two"), 17, "must be a comparison"),
    (counting("{gte: 2}", "{}"), 17, "compares with nothing"),
    (counting("{gte: 2}", "{gte: 5, lt: 3}"), 17, "No window can satisfy this condition"),
    (counting("{gte: 2}", "{gte: -1}"), 17, "whole number from 0"),
    (counting("{gte: 2}", "{gte: '2'}"), 17, "whole number"),
    (counting("{gte: 2}", "{gte: 2.5}"), 17, "whole number"),
    (counting("{gte: 2}", "{gte: true}"), 17, "whole number"),
    (counting("event_count", "value_count"), 17, "“condition” needs “field”"),
    (counting("event_count", "temporal"), 17, "A window is from 1 to 1"),
    (counting("type", "group-by: [acount]\ntype"), 15, "Did you mean account?"),
    (counting("type", "aliases: {who: {one: user_email}}\ntype"), 15, "does not use the alias “who”"),
    (counting("type", "group-by: who\naliases: {who: {tow: user_email}}\ntype"), 16, "does not name “tow”"),
    (counting("type", "generate: maybe\ntype"), 15, "true or false"),
    (with_correlation(COUNT, top="logsource: {product: vonage}\n"), 13, "takes no “logsource”"),
    (with_correlation(COUNT, top="custom: {dormant: {}}\n"), 13, "Put it under the rule that the correlation names"),
    (with_correlation(COUNT, top="custom: {merge: 1h}\n"), 13, "timespan and group-by"),
    (with_correlation(COUNT).replace("[one]", "[tow]"), 14, "There is no rule “tow”. Use one of: one."),
    (with_correlation(COUNT).replace("[one]", "[]"), 14, "“rules” is empty"),
    (with_correlation(COUNT).replace("[one]", "[one, one]"), 14, "“one” is listed twice"),
    (with_correlation(COUNT).replace("[one]", f"[one, {UID}1]"), 14, f"“{UID}1” is listed twice"),
    (with_correlation(COUNT).replace("[one]", f"{UID}9"), 14, "A correlation cannot name itself"),
    (
        with_correlation(COUNT, top="name: both\n").replace("[one]", "[one, both]"),
        15,
        "A correlation cannot name itself. Name rules that have a detection",
    ),
]


def test_every_refusal_of_an_item_says_what_would_be_right() -> None:
    for item, *told in ITEMS:
        problem = only_problem(with_items(item))

        assert problem.line == 7, item
        assert all(part in problem.message for part in told), problem


def test_every_refusal_names_the_line() -> None:
    for text, line, told in DOCUMENTS:
        problem = only_problem(text)

        assert (problem.line, told in problem.message) == (line, True), problem
        assert str(problem) == f"test.yml, line {line}: {problem.message}"
        assert "%(" not in problem.message and "\n" not in problem.message


def test_correlation_of_a_correlation_is_refused() -> None:
    inner = with_correlation(COUNT, top="name: inner\n")
    outer = f"---\ntitle: Outer\nid: {UID}8\nlevel: low\ncorrelation:\n  rules: [inner]\n  " + COUNT.replace(
        "\n", "\n  "
    )

    rules, problems = read_rules(f"{inner}{outer}\n", "nested.yml")

    assert [rule.title for rule in rules] == ["Together"]
    assert "“inner” is a correlation, and correlations cannot be nested" in problems[0].message


def test_pseudo_events_cannot_be_correlated() -> None:
    base = with_items("problem: silent", service="sync").replace("level: low", "level: low\nname: silent")
    together = with_correlation(COUNT).split("---\n")[1].replace("[one]", "[silent]")

    problem = only_problem(f"{base}---\n{together}")

    assert "is not about audit events" in problem.message


def test_one_bad_document_stops_no_other() -> None:
    bad = [
        "title: 'x\n",
        "a: &a [x]\n",
        with_items(
            "evnt: x",
        ),
        "x: \0\n",
        "[[[[[[[[[[[[[[[[[[\n",
    ]
    good = [with_detection("  a: {source: CD}\n  condition: a", number=number) for number in range(1, 5)]
    text = "---\n".join(part for pair in zip(good, bad, strict=False) for part in pair)

    rules, problems = read_rules(text, "mixed.yml")

    assert [rule.title for rule in rules] == ["Rule 1", "Rule 2", "Rule 3", "Rule 4"]
    assert len(problems) == 4
    assert [text.split("\n")[problem.line - 1][:3] for problem in problems][1:] == ["a: ", "   ", "x: "]


def test_second_rule_of_the_same_id_is_refused() -> None:
    rules, problems = read_rules(f"{GOOD}---\n{GOOD}", "twice.yml")

    assert len(rules) == 1
    assert problems[0].message == f"The rule on line 1 is already called “{UID}1”."
    assert problems[0].line == 11


def test_rule_that_a_broken_correlation_names_makes_no_findings_instead() -> None:
    good = with_correlation(COUNT)
    for broken in (
        good.replace("gte", "gtee"),
        good.replace("1h", "an hour"),
        good.replace("[one]", "[one, nothing]"),
        good.replace("level: high", "level: hihg"),
        good.replace("rules: [one]", "rules: one\n  rule: two"),
    ):
        rules, problems = read_rules(broken, "broken.yml")

        assert (rules, len(problems)) == ([], 1)


def test_rule_that_another_correlation_asks_for_makes_findings_all_the_same() -> None:
    asking = with_correlation(f"{COUNT}\ngenerate: true")
    broken = with_correlation(COUNT).split("---\n")[1].replace(f"{UID}9", f"{UID}8").replace("[one]", "[one, nothing]")

    rules, problems = read_rules(f"{asking}---\n{broken}", "both.yml")

    assert [rule.title for rule in rules] == ["Rule 1", "Together"]
    assert len(problems) == 1


def test_correlation_says_when_what_it_names_cannot_be_read() -> None:
    _, problems = read_rules(with_correlation(COUNT).replace("{source:", "{sauce:"), "unread.yml")

    assert [problem.message.split(".")[0] for problem in problems] == [
        "There is no field “sauce”",
        "It names “one”, which cannot be read",
    ]


def test_messages_can_be_translated_before_values_are_put_in() -> None:
    problem = only_problem(with_items("evnt_type: X"))
    spanish = {"There is no field “%(name)s”.": "No hay ningún campo «%(name)s»."}

    assert problem.translated(lambda text: spanish.get(text, text)).startswith("No hay ningún campo «evnt_type».")


def test_hostile_values_are_shown_on_one_short_line() -> None:
    problem = only_problem(with_items(f'"a\\n\\e[31m{"x" * 500}": y'))

    assert problem.message.isprintable() and len(problem.message) < 400


def test_nothing_hostile_takes_long() -> None:
    star = "*a" * 400
    hostile = [
        with_items(f"user_email|contains: '{star}b'"),
        with_detection(f"  {'a' * 100}: {{source: CD}}\n  condition: 1 of {star}b"),
        "[" * 60_000,
        "{a: " * 10_000,
        "- " * 30_000,
        "a: |\n" + " x\n" * 20_000,
        "---\n" * 100_000,
    ]
    begun = time.process_time()
    for text in hostile:
        read_rules(text, "hostile.yml")
    (rule,), _ = read_rules(hostile[0], "hostile.yml")
    assert not rule.selections[0].matches({"user_email": "a" * 100_000})

    assert time.process_time() - begun < 3
