"""Runs gRPC's interoperability cases, each client against each server, and `buf curl` by reflection: `pairs.py OUR_PROGRAM`.

Prints a table of the cases. The exit status says whether all of them passed.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
TIMEOUT_S = 120
SERVICE = "grpc.testing.TestService"


class Server:
    """A program that prints its port, and ends with its standard input."""

    def __init__(self, command):
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = f"127.0.0.1:{int(self._process.stdout.readline())}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()


def cases(command, address):
    """What became of each case: its name and whether it passed."""
    done = subprocess.run([*command, address], stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S)
    lines = [line.split() for line in done.stdout.splitlines()]
    results = {name: verdict == "ok" for verdict, name in lines}
    if done.returncode != 0 and all(results.values()):
        results[f"exit status {done.returncode}"] = False
    return results


def buf(address):
    """The node as `buf curl` sees it, which knows of the service what reflection tells."""

    def curl(path, *arguments):
        url = f"http://{address}/{path}".rstrip("/")
        command = ["buf", "curl", "--protocol", "grpc", "--http2-prior-knowledge", *arguments, url]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S)

    def objects(text):
        decoder, found, rest = json.JSONDecoder(), [], text.strip()
        while rest:
            value, end = decoder.raw_decode(rest)
            found.append(value)
            rest = rest[end:].lstrip()
        return found

    listed = curl("", "--list-methods").stdout
    unary = curl(f"{SERVICE}/UnaryCall", "-d", '{"responseSize": 3}')
    sizes = '{"responseParameters": [{"size": 3}, {"size": 3}]}'
    stream = curl(f"{SERVICE}/StreamingOutputCall", "-d", sizes)
    both = curl(f"{SERVICE}/FullDuplexCall", "-d", sizes * 2)
    failed = curl(f"{SERVICE}/UnaryCall", "-d", '{"responseStatus": {"code": 5, "message": "no"}}')
    response = {"payload": {"body": "AAAA"}}
    return {
        "buf_list": f"{SERVICE}/FullDuplexCall" in listed,
        "buf_unary": objects(unary.stdout) == [response],
        "buf_server_streaming": objects(stream.stdout) == [response] * 2,
        "buf_both": objects(both.stdout) == [response] * 4,
        "buf_status": failed.returncode == 5 * 8,
    }


def table(columns):
    names = list(dict.fromkeys(name for results in columns.values() for name in results))
    width = max(map(len, names))
    print(" " * width, *columns, sep="  ")
    for name in names:
        cells = []
        for title, results in columns.items():
            cell = {True: "ok", False: "FAILED", None: "-"}[results.get(name)]
            cells.append(cell.ljust(len(title)))
        print(name.ljust(width), *cells, sep="  ")


def main(ours):
    python, node = [sys.executable], ["node"]
    servers = {
        "ours": [ours, "serve"],
        "grpcio": [*python, HERE / "python/server.py"],
        "grpc-js": [*node, HERE / "node/server.js"],
    }
    clients = {
        "ours": [ours, "call"],
        "grpcio": [*python, HERE / "python/cases.py"],
        "grpc-js": [*node, HERE / "node/cases.js"],
    }
    columns = {}
    for client, server in [
        ("grpcio", "ours"), ("grpc-js", "ours"), ("ours", "grpcio"), ("ours", "grpc-js"), ("ours", "ours"),
    ]:
        with Server(servers[server]) as running:
            columns[f"{client} → {server}"] = cases(clients[client], running.address)
    with Server(servers["ours"]) as running:
        columns["buf → ours"] = buf(running.address)
    table(columns)
    passed = [result for results in columns.values() for result in results.values()]
    print(f"{sum(passed)} of {len(passed)} passed")
    complete = all(len(results) >= 14 for title, results in columns.items() if not title.startswith("buf"))
    sys.exit(0 if all(passed) and complete else 1)


if __name__ == "__main__":
    main(sys.argv[1])
