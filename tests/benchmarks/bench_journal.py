"""What keeping every call costs a request: the same endpoint with the journal on and off, interleaved in one run.

python tests/benchmarks/bench_journal.py [seconds]
"""

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.load import hammer, start, stop

SERVER = """
import sys, tempfile
from pathlib import Path
from waitress.server import create_server
from mock_providers import create_app, journal
from mock_providers.settings import Settings
if sys.argv[1] == 'off':
    journal.Journal.add = lambda self, entry: None
server = create_server(print, host='127.0.0.1', port=0, threads=32)
app = create_app(Settings(data=Path(tempfile.mkdtemp()), public_url='http://127.0.0.1:%s' % server.effective_port))
server.application = app
print('ready on http://127.0.0.1:%s' % server.effective_port, flush=True)
server.run()
"""


def main(seconds: float) -> None:
    import json
    import urllib.request

    rates: dict[str, list[float]] = {"on": [], "off": []}
    for _ in range(3):
        for mode in ("on", "off"):
            process, base, _ = start("-c", SERVER, mode)
            keys = json.load(urllib.request.urlopen(f"{base}/_mock/credentials", timeout=30))["wechat"]
            body = {"grant_type": "client_credential", "appid": keys["appid"], "secret": keys["secret"]}
            rates[mode].append(hammer(base, "POST", "/wechat/cgi-bin/stable_token", body, {}, 8, seconds))
            stop(process)
    on, off = (statistics.median(rates[mode]) for mode in ("on", "off"))
    print(f"stable_token with the journal {on:.0f}/s, without {off:.0f}/s: it costs {100 * (1 - on / off):.1f} %")
    print({mode: [round(rate) for rate in row] for mode, row in rates.items()})


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 8)
