"""The certificate's keeper: gets it, renews it, and lays it where nginx reads it.

usage: keeper.py run     goes on for ever; the container's command
       keeper.py now     one pass at once, whatever the last one said; renews even what is not due

nginx always reads served/, whoever issued what lies there: a self-signed placeholder first, so that it can start at
all and answer the CA. What happened last is in atlas.json, for `make certs`. Settings come from .env: DOMAIN,
ACME_EMAIL, ACME_SERVER, ACME_CHECK, ACME_CHECK_SECONDS. Needs no more than Python and openssl, which certbot's image has.
"""

import fcntl
import filecmp
import ipaddress
import json
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

HOME = "/etc/letsencrypt"
SERVED = f"{HOME}/served"
LINEAGE = f"{HOME}/live/site"
RENEWAL = f"{HOME}/renewal/site.conf"
STATUS = f"{HOME}/atlas.json"
WEBROOT = "/var/www/acme"
CHALLENGES = f"{WEBROOT}/.well-known/acme-challenge"
AUTHORITY = "/etc/certbot-ca/ca.pem"  # of a CA that the world does not know; deploy puts it there
OWN = "/etc/certbot-ca/own.pem"  # TLS_CERT and TLS_KEY, copied by deploy: then no CA is asked
NGINX_GID = 101

# Let's Encrypt allows 5 failed validations an hour: https://letsencrypt.org/docs/rate-limits/
FIRST_RETRY_SECONDS = 15 * 60
LONGEST_RETRY_SECONDS = 12 * 3600
# nginx waits for the placeholder before it starts: the first pass comes too early for it.
NGINX_SECONDS = 45
# A resolver that was busy for a moment must not cost a quarter of an hour.
NAME_SECONDS = 10
DAY = 86400

NAMES = [name for name in os.environ.get("DOMAIN", "").split(",") if name]
SERVER = os.environ.get("ACME_SERVER") or "https://acme-v02.api.letsencrypt.org/directory"
EMAIL = os.environ.get("ACME_EMAIL", "")
CHECKS = os.environ.get("ACME_CHECK", "on") != "off"
EVERY_SECONDS = int(os.environ.get("ACME_CHECK_SECONDS") or 8 * 3600)


class Trouble(Exception):
    """Something that the operator can mend; the text says what."""


def say(text):
    print(f"certbot: {text}", flush=True)


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True)


def is_valid(certificate, seconds):
    """Whether a certificate is there and will be valid for so long."""
    return openssl("x509", "-checkend", str(seconds), "-noout", "-in", certificate).returncode == 0


def is_address(name):
    try:
        ipaddress.ip_address(name)
        return True
    except ValueError:
        return False


def serve(certificate, key):
    """Lays a pair where nginx reads it, both files in one rename: nginx must never meet one without the other."""
    directory = f"{SERVED}.{time.time_ns()}"
    os.mkdir(directory, 0o750)
    shutil.copyfile(certificate, f"{directory}/fullchain.pem")
    shutil.copyfile(key, f"{directory}/privkey.pem")
    for path in (directory, f"{directory}/fullchain.pem", f"{directory}/privkey.pem"):
        os.chown(path, -1, NGINX_GID)
    os.chmod(f"{directory}/fullchain.pem", 0o640)
    os.chmod(f"{directory}/privkey.pem", 0o640)
    os.symlink(os.path.basename(directory), f"{SERVED}.link")
    os.replace(f"{SERVED}.link", SERVED)
    for name in os.listdir(HOME):
        if name.startswith("served.") and name != os.path.basename(directory):
            shutil.rmtree(f"{HOME}/{name}", ignore_errors=True)


def serve_placeholder():
    names = [f"IP:{name}" if is_address(name) else f"DNS:{name}" for name in NAMES]
    names += ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]
    key, certificate = "/tmp/placeholder.key", "/tmp/placeholder.pem"
    made = openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365", "-sha256"),
        *("-subj", "/CN=localhost", "-addext", f"subjectAltName={','.join(names)}"),
        *("-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth"),
        *("-keyout", key, "-out", certificate),
    )
    if made.returncode != 0:
        raise Trouble(f"no placeholder could be made: {made.stderr.strip()}")
    serve(certificate, key)
    os.remove(key)
    say("self-signed certificate written; browsers will warn")


def serve_own():
    """Lays out the operator's own certificate, which comes in one file with its key."""
    with open(OWN, encoding="ascii") as file:
        text = file.read()
    chain, key = split_pem(text)
    if os.path.exists(f"{SERVED}/fullchain.pem"):
        with open(f"{SERVED}/fullchain.pem", encoding="ascii") as file:
            if file.read() == chain:
                return
    for path, part in (("/tmp/own.pem", chain), ("/tmp/own.key", key)):
        with open(path, "w", encoding="ascii") as file:
            file.write(part)
    serve("/tmp/own.pem", "/tmp/own.key")
    os.remove("/tmp/own.key")
    say("the certificate of TLS_CERT")


def split_pem(text):
    """Certificates and keys, each joined in their order."""
    found = re.finditer(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----\n", text, re.DOTALL)
    blocks = [(match[1], match[0]) for match in found]
    chain = "".join(block for kind, block in blocks if kind == "CERTIFICATE")
    return chain, "".join(block for kind, block in blocks if kind != "CERTIFICATE")


def ensure_something_is_served():
    if is_valid(f"{SERVED}/fullchain.pem", DAY if not NAMES else 0):
        return
    if is_valid(f"{LINEAGE}/fullchain.pem", 0):
        serve(f"{LINEAGE}/fullchain.pem", f"{LINEAGE}/privkey.pem")
    else:
        serve_placeholder()


def certified_names():
    """The names that certbot's certificate is for; nothing when it has none."""
    if not os.path.exists(RENEWAL):
        return set()
    text = openssl("x509", "-noout", "-ext", "subjectAltName", "-in", f"{LINEAGE}/fullchain.pem").stdout
    entries = [entry.strip() for entry in text.replace("\n", ",").split(",")]
    return {normal(entry[len(kind) :]) for kind in ("DNS:", "IP Address:") for entry in entries if entry.startswith(kind)}


def normal(name):
    """One spelling for each address: openssl writes IPv6 in full, people do not."""
    return str(ipaddress.ip_address(name)) if is_address(name) else name.lower()


def is_from_server():
    """Whether certbot's certificate is from the CA that is wanted now."""
    if not os.path.exists(RENEWAL):
        return False
    with open(RENEWAL, encoding="utf-8") as file:
        return [line.split("=", 1)[1].strip() for line in file if line.startswith("server ")] == [SERVER]


def check_the_way():
    """What the CA will do, done first: a failed validation counts against its limits. Raises Trouble."""
    os.makedirs(CHALLENGES, exist_ok=True)
    for path in (os.path.dirname(CHALLENGES), CHALLENGES):
        os.chmod(path, 0o755)  # nginx reads there
    token = f"atlas-{secrets.token_hex(8)}"
    path = f"{CHALLENGES}/{token}"
    with open(path, "w", encoding="ascii") as file:
        file.write(token)
    os.chmod(path, 0o644)
    try:
        problem = fetch("nginx", token, NGINX_SECONDS)
        if problem:
            raise Trouble(f"nginx does not answer ({problem}); the CA was not asked")
        for name in NAMES if CHECKS else []:
            problem = fetch(name, token, NAME_SECONDS)
            if problem:
                raise Trouble(
                    f"{name} does not lead to this server ({problem}); the CA was not asked. Correct its DNS record "
                    "and the firewall (port 80), or set ACME_CHECK=off when only the CA can reach it"
                )
    finally:
        os.remove(path)


def fetch(name, token, patience):
    """Asks a host for the token, for so many seconds. Returns what is wrong, or None."""
    host = f"[{name}]" if ":" in name else name
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(f"http://{host}/.well-known/acme-challenge/{token}", timeout=10) as answer:
                if answer.read(200).decode("ascii", "replace") == token:
                    return None
                problem = "another server answers there"
        except OSError as error:
            problem = str(getattr(error, "reason", error))
        if time.monotonic() > deadline:
            return problem
        time.sleep(3)


def call_certbot(force):
    common = ["--non-interactive", "--work-dir", "/tmp/work", "--logs-dir", "/tmp/logs", "--max-log-backups", "3"]
    forced = ["--force-renewal"] if force else []
    if certified_names() == set(map(normal, NAMES)) and is_from_server():
        command = ["certbot", "renew", "--cert-name", "site", "--no-random-sleep-on-renew", *forced, *common]
    else:
        check_the_way()
        wanted = [part for name in NAMES for part in ("--ip-address" if is_address(name) else "--domain", name)]
        # The only profile that is issued for addresses: https://letsencrypt.org/docs/profiles/
        profile = ["--preferred-profile", "shortlived"] if any(map(is_address, NAMES)) else []
        account = ["--email", EMAIL, "--no-eff-email"] if EMAIL else ["--register-unsafely-without-email"]
        # What is valid and only lacks a name is replaced for that; another CA's is due whatever its dates.
        due = "--force-renewal" if force or not is_from_server() else "--keep-until-expiring"
        command = [
            *("certbot", "certonly", "--webroot", "--webroot-path", WEBROOT, "--cert-name", "site", "--agree-tos"),
            *("--server", SERVER, "--renew-with-new-domains", due, *account, *profile, *wanted, *common),
        ]
    environment = dict(os.environ)
    if os.path.exists(AUTHORITY):
        environment["REQUESTS_CA_BUNDLE"] = AUTHORITY
    outcome = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment)
    if outcome.returncode != 0:
        lines = [line.strip() for line in (outcome.stdout + outcome.stderr).splitlines()]
        telling = [line for line in lines if line and not line.startswith(("Saving debug log", "- - -", "Ask for help"))]
        raise Trouble(" ".join(telling)[-1500:])


def read_status():
    try:
        with open(STATUS, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def write_status(status):
    with open(f"{STATUS}.new", "w", encoding="utf-8") as file:
        json.dump(status, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{STATUS}.new", STATUS)


def asked_now():
    """The names, and who vouches for them: as `asked` in atlas.json, which is what was asked for last."""
    return [sorted(NAMES), "TLS_CERT" if os.path.exists(OWN) else SERVER]


def one_pass(force=False):
    """Returns the time, in seconds since the epoch, at which to come again."""
    ensure_something_is_served()
    now = time.time()
    asked = asked_now()
    last = read_status()
    is_same = last.get("asked") == asked
    # A container that starts again and again must not ask the CA each time.
    if not force and is_same and last.get("error") and now < last["next"]:
        return last["next"]
    status = {"asked": asked, "checked": now, "error": None, "failures": 0}
    wait = EVERY_SECONDS * random.uniform(0.9, 1.1)
    try:
        if asked[1] == "TLS_CERT":
            serve_own()
        elif NAMES:
            call_certbot(force)
            if not filecmp.cmp(f"{LINEAGE}/fullchain.pem", f"{SERVED}/fullchain.pem", shallow=False):
                serve(f"{LINEAGE}/fullchain.pem", f"{LINEAGE}/privkey.pem")
                say(f"new certificate for {', '.join(NAMES)}")
    except Trouble as trouble:
        failures = (last.get("failures", 0) if is_same else 0) + 1
        wait = min(FIRST_RETRY_SECONDS * 2 ** (failures - 1), LONGEST_RETRY_SECONDS)
        status.update(error=str(trouble), failures=failures)
        say(f"failed ({failures} in a row, again in {wait // 60} min): {trouble}")
    # From the end: a pass that had to wait for nginx would be followed by another at once.
    status["next"] = time.time() + wait
    write_status(status)
    return status["next"]


def locked_pass(force=False):
    with open(f"{HOME}/atlas.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return one_pass(force)


def main(mode):
    os.umask(0o027)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if mode == "now":
        locked_pass(force=True)
        error = read_status().get("error")
        sys.exit(f"certbot: {error}" if error else 0)
    while True:
        wake = locked_pass()
        # Another clock, or TLS_CERT that comes or goes, must not wait for hours; one that did both between two looks was laid
        # out by `keeper now`, whose status tells.
        while time.time() < wake and read_status().get("asked") == asked_now():
            time.sleep(min(30, max(0.1, wake - time.time())))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "run")
