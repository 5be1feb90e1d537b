"""Runs a program while a loopback service runs.

usage: with_loopback.py LOOPBACK [--expect TEXT] -- COMMAND [ARGUMENT...]

In the arguments, {url} stands for the service's address and {token} for a refresh token that it knows. The program runs
in a temporary folder whose .env names both, and in an environment without WARP_* variables. Exits with the program's
code, or with 1 if its output does not contain TEXT.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

TOKEN = "demo-token-1"


def parse(arguments):
    loopback, *rest = arguments
    split = rest.index("--")
    options, command = rest[:split], rest[split + 1 :]
    if options and (len(options) != 2 or options[0] != "--expect"):
        raise ValueError
    return loopback, options[1] if options else "", command


def run(url, expected, command):
    command = [part.replace("{url}", url).replace("{token}", TOKEN) for part in command]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WARP_")}
    with tempfile.TemporaryDirectory() as folder:
        env_file = pathlib.Path(folder, ".env")
        env_file.touch(mode=0o600)
        env_file.write_text(f"WARP_SERVER_URL={url}\nWARP_REFRESH_TOKEN={TOKEN}\n")
        result = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, timeout=120, check=False)
    output = result.stdout.decode()
    print(output, end="")
    if result.returncode == 0 and expected not in output:
        print(f"the output lacks {expected!r}", file=sys.stderr)
        return 1
    return 1 if result.returncode < 0 else result.returncode


def main():
    try:
        loopback, expected, command = parse(sys.argv[1:])
    except ValueError:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with subprocess.Popen([loopback, "--demo"], stdout=subprocess.PIPE, text=True) as service:
        try:
            url = service.stdout.readline().strip()
            return run(url, expected, command)
        finally:
            service.terminate()


if __name__ == "__main__":
    sys.exit(main())
