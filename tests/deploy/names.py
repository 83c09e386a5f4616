"""Whether the files in deploy/ speak of what is there: settings, metrics, alarms, files. Run from the top folder."""

import json
import re
import sys
from pathlib import Path

import yaml

wrong = []


def check(holds, text):
    if not holds:
        wrong.append(text)


def source():
    return "\n".join(path.read_text() for path in sorted(Path("src").rglob("*.rs")))


def loaded(path):
    return list(yaml.safe_load_all(Path(path).read_text()))


code = source()
settings = set(re.findall(r'spec\(\s*"(\w+)"', Path("src/config/settings.rs").read_text()))
check(len(settings) > 20, "the settings could not be read from src/config/settings.rs")
texts = {path: path.read_text() for path in sorted(Path("deploy").rglob("*")) if path.is_file() and "secrets" not in path.parts}

# ── settings: one that does not exist keeps the program from starting ──────────────────────────────────────────────
for path, text in texts.items():
    for name in re.findall(r"\bEARWITNESS_([A-Z_]+)\b", text):
        known = name == "CONFIG" or name.lower() in settings or name.startswith("SERVICE_")
        check(known, f"{path}: EARWITNESS_{name} is no setting")
for path in ["deploy/systemd/earwitness.toml.example"]:
    for name in re.findall(r"^#?(\w+) = ", Path(path).read_text(), re.M):
        check(name in settings, f"{path}: {name} is no setting")

# ── metrics ────────────────────────────────────────────────────────────────────────────────────────────────────────
emitted = set(re.findall(r'"(earwitness_\w+)"', code))
for path in ["deploy/prometheus/earwitness.rules.yml", "deploy/prometheus/earwitness.rules.test.yml", "deploy/grafana/earwitness.json"]:
    for name in sorted(set(re.findall(r"\bearwitness_\w+", Path(path).read_text()))):
        name = re.sub(r"_(sum|count)$", "", name) if name not in emitted else name
        check(name in emitted, f"{path}: nothing in src counts {name}")

# ── alarms: each is tested and explained ───────────────────────────────────────────────────────────────────────────
rules = loaded("deploy/prometheus/earwitness.rules.yml")[0]
tests = Path("deploy/prometheus/earwitness.rules.test.yml").read_text()
readme = Path("deploy/README.md").read_text()
alarms = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
check(len(alarms) == len(set(alarms)), "two alarms have one name")
for group in rules["groups"]:
    for rule in group["rules"]:
        name = rule["alert"]
        check(rule["labels"]["severity"] in ("page", "ticket"), f"{name}: a severity of its own")
        check("summary" in rule["annotations"], f"{name}: no summary")
        check(re.search(rf"\b{name}\b", tests), f"{name}: no test of the rule")
        check(re.search(rf"\b{name}\b", readme), f"{name}: deploy/README.md does not say what to do")

# ── JSON: policies and dashboard ───────────────────────────────────────────────────────────────────────────────────
for path in Path("deploy/aws").glob("*.json"):
    policy = json.loads(path.read_text())
    check(policy["Version"] == "2012-10-17", f"{path}: version")
    for statement in policy["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        check(all(re.fullmatch(r"(s3|kms):([A-Z]\w+\*?|\*)", action) for action in actions), f"{path}: {actions}")
        wide = any("*" in action for action in actions)
        check(statement["Effect"] == "Deny" or not wide, f"{path}: allows more than it names: {actions}")
        bypass = "s3:BypassGovernanceRetention" in actions and statement["Effect"] == "Allow"
        check(not bypass or path.name == "iam-s3-erasure.json", f"{path}: goes around the lock")
board = json.loads(Path("deploy/grafana/earwitness.json").read_text())
check(len({panel["id"] for panel in board["panels"]}) == len(board["panels"]), "two panels have one id")
for panel in board["panels"]:
    check(panel["type"] == "row" or panel["targets"], f"the panel {panel['title']} asks for nothing")

# ── compose: every file it mounts is there, every secret is made by prepare.sh ─────────────────────────────────────
compose = loaded("deploy/compose/compose.yaml")[0]
prepare = Path("deploy/compose/prepare.sh").read_text()
for name, service in compose["services"].items():
    for volume in service.get("volumes", []):
        place = volume.split(":")[0]
        if place.startswith("."):
            check((Path("deploy/compose") / place).exists(), f"compose: {place} of {name} is not there")
        else:
            check(place in compose["volumes"], f"compose: {name} names a volume {place} that is not there")
    for secret in service.get("secrets", []):
        check(secret in compose["secrets"], f"compose: {name} names a secret {secret} that is not there")
    check(service["read_only"] and service["cap_drop"] == ["ALL"], f"compose: {name} is not confined")
    for port in service.get("ports", []):
        check(port.startswith("127.0.0.1:"), f"compose: {name} is open to the network")
for secret in compose["secrets"].values():
    check(Path(secret["file"]).name in prepare, f"compose: prepare.sh does not make {secret['file']}")
check("-master.telemetry=false" in compose["services"]["seaweedfs"]["command"], "compose: SeaweedFS would send telemetry")

# ── Kubernetes ─────────────────────────────────────────────────────────────────────────────────────────────────────
folder = Path("deploy/kubernetes")
listed = set(loaded(folder / "kustomization.yaml")[0]["resources"])
there = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
check(listed == there, f"kustomization.yaml lists {listed ^ there} wrongly")
pod = loaded(folder / "deployment.yaml")[0]["spec"]["template"]["spec"]
container = pod["containers"][0]
lasts = container["lifecycle"]["preStop"]["sleep"]["seconds"] + 60
check(pod["terminationGracePeriodSeconds"] > lasts, "Kubernetes would kill a server that is ending in good order")
check(pod["enableServiceLinks"] is False, "service links are unknown settings")
check(container["securityContext"]["readOnlyRootFilesystem"], "the root is writable")
secret = loaded(folder / "secret.example.yaml")[0]["stringData"]
for variable in container["env"]:
    check(Path(variable["value"]).name in secret, f"the secret has no {variable['value']}")
compose_grace = compose["services"]["earwitness"]["stop_grace_period"]
check(int(compose_grace.rstrip("s")) > 60, "compose would kill a server that is ending in good order")

# ── the image: what the source includes is in its context ──────────────────────────────────────────────────────────
ignored = Path(".dockerignore").read_text().splitlines()
sent = {line[1:] for line in ignored if line.startswith("!")}
copied = set(re.findall(r"^COPY (?!--)(.+) \S+$", Path("deploy/container/Dockerfile").read_text(), re.M))
copied = {name for line in copied for name in line.split()}
check(sent == copied, f".dockerignore lets through {sorted(sent)}, the Dockerfile copies {sorted(copied)}")
needed = {"Cargo.toml", "Cargo.lock", "src"} | set(re.findall(r'migrate!\("(\w+)/', code))
needed |= set(re.findall(r'CARGO_MANIFEST_DIR"\), "/(\w+)/', code))
manifest = Path("Cargo.toml").read_text()
needed |= {"benches"} if "[[bench]]" in manifest else set()
needed |= {"build.rs"} if Path("build.rs").exists() else set()
check(needed <= sent, f"the image's build lacks {sorted(needed - sent)}")
oldest = re.search(r'^rust-version = "([\d.]+)"', manifest, re.M)[1]
image = re.search(r"^FROM rust:([\d.]+)", Path("deploy/container/Dockerfile").read_text(), re.M)[1]
number = lambda version: [int(part) for part in version.split(".")]
check(number(image) >= number(oldest)[:2], f"the image's Rust {image} is older than {oldest}")

# ── links of the page ──────────────────────────────────────────────────────────────────────────────────────────────
for path in [Path("deploy/README.md"), Path("deploy/aws/README.md")]:
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
        check((path.parent / link).exists(), f"{path}: the link to {link} leads nowhere")

for text in wrong:
    print(text, file=sys.stderr)
print(f"deploy: {len(settings)} settings, {len(emitted)} metrics, {len(alarms)} alarms, {len(texts)} files looked at, {len(wrong)} wrong")
sys.exit(bool(wrong))
