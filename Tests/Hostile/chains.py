"""Evidence that somebody has been at: without the key only what shows, with the key of another, and with the run's own."""

import base64
import json
import os
import shutil

import fixtures
from containers import Chain, canonical, envelope
from harness import Fault
from mutation import mutated_bytes, mutated_json

KIND = "chains"
MUTANTS = 2000
FILES = ["audit.jsonl", "audit.jsonl", "events.jsonl", "seal.json", "run.json", "adapter.gguf", "attestation.dsse.json"]


def verify(case, folder="run", program="polymath", more=(), expect=None):
    # The owner's identity lies elsewhere, so that a verification can add no row.
    return case.run(
        ["audit", "verify", folder, "--base", fixtures.tiny(case.bench), "--trusted", fixtures.owner(case.bench) + "/owner.txt"]
        + list(more), program, expect=expect)


def mutant(case):
    run = case.copy(fixtures.run(case.bench), "run")
    name = case.rng.choice(FILES)
    original = case.read("run", name)
    if name == "audit.jsonl" and case.rng.random() < 0.6:
        data = rewritten(case.rng, original)
    else:
        data = mutated_bytes(case.rng, original)
    if data == original:
        return
    fixtures.write(f"{run}/{name}", data)
    reader = case.rng.randrange(5)
    if reader < 2:
        verify(case, program=case.rng.choice(["polymath", "polymath-verify"]), expect={1, 4})
    elif reader == 2:
        # Of an open or paused run there is a page too; of a file that is not the recorded one there is none.
        case.run(["audit", "report", "run", "--out", "page.html"], may=["page.html"])
    elif reader == 3:
        case.run(["audit", "export", "run", "--out", "handed"], expect={1, 4})
    else:
        case.run(["telemetry", "export", "run", "--format", case.rng.choice(["csv", "tensorboard"]), "--out", "t"], may=["t"])


def rewritten(rng, data):
    """A chain with rows changed, moved, left out or put in, its hashes made anew as anybody can, sometimes by another key."""
    chain = Chain(data)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(1, len(chain.rows))
        choice = rng.randrange(6)
        if choice == 0:
            del chain.rows[place]
        elif choice == 1:
            other = rng.randrange(1, len(chain.rows))
            chain.rows[place], chain.rows[other] = chain.rows[other], chain.rows[place]
        elif choice == 2:
            chain.rows.insert(place, json.loads(json.dumps(chain.rows[rng.randrange(len(chain.rows))])))
        elif choice == 3:
            del chain.rows[place:]
        else:
            chain.rows[place]["body"] = mutated_json(rng, chain.rows[place]["body"])
        if len(chain.rows) < 2:
            break
    try:
        return chain.encoded(rng.choice([None, None, fixtures.STRANGER]))
    except (UnicodeEncodeError, TypeError, KeyError):
        return data[:-1]


# MARK: Named

def resigned(case, change, expect):
    """A chain that `change(chain)` altered and the run's own key signed anew, with an attestation of the new head."""
    run = case.copy(fixtures.run(case.bench), "run")
    chain = Chain(case.read("run", "audit.jsonl"))
    change(chain)
    data = chain.encoded(fixtures.OWNER)
    fixtures.write(f"{run}/audit.jsonl", data)
    head = json.loads(data.splitlines()[-1])["hash"]
    statement = json.loads(base64.b64decode(json.loads(case.read("run", "attestation.dsse.json"))["payload"]))
    for resource in statement["predicate"]["configuration"]:
        if resource["name"] == "audit-chain-head":
            resource["digest"] = {"sha256": head}
    fixtures.write(f"{run}/attestation.dsse.json", envelope("application/vnd.in-toto+json", canonical(statement), fixtures.OWNER))
    for program in ("polymath", "polymath-verify"):
        verify(case, program=program, expect=expect)


def untouched(case):
    """The run as it is verifies with both programs, also when its chain is written anew by this suite's own hand."""
    resigned(case, lambda chain: None, {0})
    case.run(["audit", "report", "run", "--out", "page.html"], expect={0}, may=["page.html"])
    case.run(["audit", "export", "run", "--out", "handed"], expect={0}, may=["handed"])
    verify(case, "handed", expect={0})


def missing_steps(case):
    """Steps that the chain leaves out show, even where the run's own key has signed the rest."""

    def change(chain):
        chain.rows = [row for row in chain.rows if not (row["kind"] == "step" and 4 < row["body"]["step"] < 8)]

    resigned(case, change, {4})


def repeated_steps(case):
    """So do steps that come twice or out of order without a resume between them."""

    def change(chain):
        place = next(index for index, row in enumerate(chain.rows) if row["kind"] == "step" and row["body"]["step"] == 5)
        chain.rows.insert(place, json.loads(json.dumps(chain.rows[place])))

    resigned(case, change, {4})


def other_identity(case):
    """A run that another key signed whole is intact and not trusted."""
    run = case.copy(fixtures.run(case.bench), "run")
    fixtures.write(f"{run}/audit.jsonl", Chain(case.read("run", "audit.jsonl")).encoded(fixtures.STRANGER))
    for program in ("polymath", "polymath-verify"):
        verify(case, program=program, expect={4})


def lines_after_the_close(case):
    """What is appended to events.jsonl after the close fails verification, report and export."""
    run = case.copy(fixtures.run(case.bench), "run")
    line = b'{"device":null,"event":"note","message":"nothing to see","time":"2026-01-01T00:00:00.000Z"}\n'
    fixtures.write(f"{run}/events.jsonl", case.read("run", "events.jsonl") + line)
    for program in ("polymath", "polymath-verify"):
        verify(case, program=program, expect={4})
    case.run(["audit", "report", "run", "--out", "page.html"], expect={4})
    case.run(["audit", "export", "run", "--out", "handed"], expect={4})


def cut_back(case):
    """A chain cut back to before its close is open; with the head at hand every cut shows."""
    run = case.copy(fixtures.run(case.bench), "run")
    lines = case.read("run", "audit.jsonl").splitlines(keepends=True)
    head = json.loads(lines[-1])["hash"]
    verify(case, more=["--head", head], expect={0})
    for count in (len(lines) - 1, len(lines) // 2, 1, 0):
        fixtures.write(f"{run}/audit.jsonl", b"".join(lines[:count]))
        for program in ("polymath", "polymath-verify"):
            verify(case, program=program, more=["--head", head], expect={4})
            verify(case, program=program, expect={4})


def foreign_text(case):
    """Names in a chain and in events reach neither a terminal nor a page as they are."""
    steering = "\x1b]0;PWNED\x07\x1b[31m\u202e<script>alert(1)</script>\r\n"

    def change(chain):
        for row in chain.rows[1:-1]:
            if row["kind"] in ("step", "validation", "note"):
                row["body"]["note"] = steering
        export = chain.rows[chain.last("export")]["body"]
        export["best_step"] = steering

    resigned(case, change, None)
    outcome = case.run(["audit", "report", "run", "--out", "page.html"], may=["page.html"])
    if outcome.status == 0:
        page = case.read("page.html").decode()
        if "<script" in page or "\x1b" in page or "\u202e" in page:
            raise Fault("a page holds foreign text as it is")


def local_json_of_a_stranger(case):
    """What local.json says when a run is resumed steers no terminal."""
    for member in ("identity", "base", "tokens", "home", "catalog", "presence", "sensors"):
        run = case.copy(fixtures.run(case.bench), "run")
        os.remove(f"{run}/report.html")
        local = json.loads(case.read("run", "local.json"))
        local[member] = "/nope/\x1b]0;PWNED\x07\x1b[31mRED\u202e\u2028"
        fixtures.write(f"{run}/local.json", json.dumps(local))
        case.run(["train", "--resume", "run"], may=["run!"])
        shutil.rmtree(run)


def no_files_at_all(case):
    """Folders, pipes and links where a run's files should be."""
    for name in ("audit.jsonl", "events.jsonl", "seal.json", "run.json", "adapter.gguf", "attestation.dsse.json"):
        for make in (os.mkfifo, os.mkdir, lambda path: os.symlink(path, path)):
            run = case.copy(fixtures.run(case.bench), "run")
            os.remove(f"{run}/{name}")
            make(f"{run}/{name}")
            verify(case, expect={1, 2, 4})
            case.run(["audit", "report", "run", "--out", "page.html"], expect={1, 2, 4})
            case.run(["audit", "export", "run", "--out", "handed"], expect={1, 2, 4})
            case.run(["telemetry", "export", "run", "--format", "csv", "--out", "t"], may=["t"])
            shutil.rmtree(run)


def attestations(case):
    """An attestation with another subject, test or head, signed by somebody, is believed by nobody."""
    text = fixtures.read(fixtures.run(case.bench) + "/attestation.dsse.json")
    statement = json.loads(base64.b64decode(json.loads(text)["payload"]))
    for _ in range(12):
        try:
            data = canonical(mutated_json(case.rng, statement))
        except UnicodeEncodeError:
            continue
        path = case.write("a.json", envelope("application/vnd.in-toto+json", data, fixtures.STRANGER))
        for program in ("polymath", "polymath-verify"):
            case.run(["audit", "attestation", path, "--trusted", fixtures.owner(case.bench) + "/owner.txt"], program,
                     expect={1, 4})
    case.write("good.json", text)
    case.run(["audit", "attestation", "good.json", "--adapter", fixtures.run(case.bench) + "/adapter.gguf", "--trusted",
              fixtures.owner(case.bench) + "/owner.txt"], expect={0})


NAMED = {
    "untouched": untouched, "missing-steps": missing_steps, "repeated-steps": repeated_steps,
    "other-identity": other_identity, "lines-after-the-close": lines_after_the_close, "cut-back": cut_back,
    "foreign-text": foreign_text, "local-json-of-a-stranger": local_json_of_a_stranger,
    "no-files-at-all": no_files_at_all, "attestations": attestations,
}
SLOW = {"no-files-at-all"}
