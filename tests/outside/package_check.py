"""Checks an unpacked evidence package with programs that are not ours, and says which of them accept it.

    package_check.py FOLDER SEAL_ANCHOR [--tsa TSA_ANCHOR] [--all]

FOLDER is the package's folder, SEAL_ANCHOR the certificate that its signature is checked against. Prints one JSON object:
program -> true or false. Without --all only those are asked that take no time."""

import json
import os
import subprocess
import sys

arguments = sys.argv[1:]
everything = "--all" in arguments
arguments = [argument for argument in arguments if argument != "--all"]
tsa = arguments[arguments.index("--tsa") + 1] if "--tsa" in arguments else None
folder, anchor = arguments[0], arguments[1]
signature = "signature/tagmanifest-sha256.txt.p7s"
tools = os.path.dirname(sys.executable)


def accepts(*command, says=None):
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    good = run.returncode == 0 and (says is None or says in run.stdout + run.stderr)
    if not good and everything:
        print(" ".join(command), run.stdout, run.stderr, file=sys.stderr)
    return good


found = {
    "sha256sum": accepts("sha256sum", "--quiet", "-c", "manifest-sha256.txt")
    and accepts("sha256sum", "--quiet", "-c", "tagmanifest-sha256.txt"),
    "openssl cms": accepts(
        *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", signature),
        *("-content", "tagmanifest-sha256.txt", "-CAfile", anchor, "-out", os.devnull),
        says="Verification successful",
    ),
}
if tsa:
    found["openssl ts"] = accepts(
        *("openssl", "ts", "-verify", "-token_in", "-in", "signature/timestamp.tst"),
        *("-data", "signature/signature-value.bin", "-CAfile", tsa),
        says="Verification: OK",
    )
if everything:
    found["bagit"] = accepts(os.path.join(tools, "bagit.py"), "--validate", ".", says="is valid")
    trusted = ["--trust", anchor, *(["--trust", tsa] if tsa else [])]
    found["pyhanko"] = accepts(
        *(os.path.join(tools, "pyhanko"), "sign", "validate", "--detached", signature, "--trust-replace"),
        *(*trusted, "--pretty-print", "tagmanifest-sha256.txt"),
        says="The signature is judged VALID.",
    )
print(json.dumps(found))
