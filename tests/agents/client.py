"""The official client of the Model Context Protocol against `flowrun mcp`: .ci/agents runs it.

    client.py FLOWRUN FOLDER MODE

MODE is how the client and the server agree: `legacy` asks the person with a request, `auto` takes the newest version.
"""

import asyncio
import glob
import os
import subprocess
import sys

import mcp
from mcp import types

FLOWRUN, FOLDER, MODE = sys.argv[1:4]

FLOW = """flow "signal"
sim "modem.flow"
send "AT+CSQ"
expect line /\\+CSQ: (?<rssi>\\d+),\\d+/
expect line "OK"
save rssi
"""
DEVICE = """device "modem"
on line "AT+CSQ" {
  send "+CSQ: 17,0"
  send "OK"
}
"""
WAITS = """flow "waits"
finally { log "cleaned up" }
expect line "never" within 1h
"""

asked = []
answer = "decline"


async def person(context, params):
    asked.append(params.message)
    return types.ElicitResult(action=answer, content={"remember": False} if answer == "accept" else None)


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    return result.is_error, result.structured_content


async def talk(client, port):
    global answer
    tools = [tool.name for tool in (await client.list_tools()).tools]
    assert {"ports", "check", "fmt", "run", "test", "explain", "port_open"} <= set(tools), tools

    is_error, written = await call(client, "write_flow", path="signal.flow", text=FLOW)
    assert not is_error and not written["ok"], "the device is missing"
    is_error, written = await call(client, "write_flow", path="modem.flow", text=DEVICE)
    assert not is_error and written["ok"], written
    is_error, checked = await call(client, "check", paths=["."])
    assert not is_error and checked["ok"], checked
    is_error, ran = await call(client, "run", flow="signal.flow")
    assert ran["verdict"] == "passed" and ran["saved"] == {"rssi": "17"}, ran
    is_error, _ = await call(client, "show_flow", path="../../etc/passwd")
    assert is_error, "a file outside of the folder was read"
    assert not asked, "simulated devices need no consent"

    # A real port: the person declines, then agrees.
    is_error, refused = await call(client, "run", flow="signal.flow", ports=[port])
    assert is_error and "did not agree" in refused["error"], refused
    answer = "accept"
    is_error, ran = await call(client, "run", flow="signal.flow", ports=[port])
    assert not is_error and ran["verdict"] == "passed", ran
    assert len(asked) == 2 and port in asked[0] and "send to the device" in asked[0], asked

    is_error, opened = await call(client, "port_open", port=port, write=True)
    assert not is_error, opened
    session = opened["session"]
    is_error, busy = await call(client, "run", flow="signal.flow", ports=[port])
    assert is_error and "in use" in busy["error"], busy
    is_error, _ = await call(client, "port_write", session=session, text="AT+CSQ")
    is_error, read = await call(client, "port_read", session=session, until="OK", timeout_ms=10000)
    assert read["found"] and "+CSQ: 17,0" in read["text"], read
    is_error, _ = await call(client, "port_close", session=session)
    assert not is_error

    # A cancelled call ends the run, and the server goes on.
    await call(client, "write_flow", path="waits.flow", text=WAITS)
    try:
        await asyncio.wait_for(call(client, "run", flow="waits.flow", ports=[port]), 3)
        raise AssertionError("the run has ended by itself")
    except asyncio.TimeoutError:
        pass
    for _ in range(100):
        is_error, opened = await call(client, "port_open", port=port)
        if not is_error:
            break
        await asyncio.sleep(0.2)
    assert not is_error, f"the port is still in use: {opened}"
    kept = glob.glob(os.path.join(FOLDER, "flowrun-results", "*", "*", "transcript.txt"))
    transcripts = [open(path, encoding="utf-8").read() for path in kept]
    assert any("cleaned up" in text for text in transcripts), "the `finally` of the cancelled run did not run"


async def main():
    device = os.path.join(FOLDER, "modem.flow")
    with open(device, "w", encoding="utf-8") as file:
        file.write(DEVICE)
    served = subprocess.Popen([FLOWRUN, "sim", device, "--tcp", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        port = next(line for line in served.stdout if line.startswith("serving on ")).split()[2]
        os.remove(device)
        server = mcp.StdioServerParameters(command=FLOWRUN, args=["mcp", "--root", FOLDER])
        async with mcp.Client(server, mode=MODE, elicitation_callback=person) as client:
            await talk(client, port)
            version = client.protocol_version
    finally:
        served.kill()
    print(f"agents: the official client, {MODE}, protocol {version}: passed")


asyncio.run(main())
