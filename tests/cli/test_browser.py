"""The page in a real browser, on a phone and on a desk, light and dark: no complaint, nothing wider than the screen."""

import re
import shutil
import subprocess

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is installed")
PHONE, DESK = 390, 1280
MEASURE = """<script>document.title = JSON.stringify([document.documentElement.scrollWidth, innerWidth])</script>"""
ROWS = "".join(
    f"{i % 7},{i * 5 % 11},{'' if i % 13 == 5 else i % 3},{('a text that never ends as it should', 'blue')[i % 2]},"
    f"{('small', 'middling', 'large and broad')[i * i % 7 % 3]}\n"
    for i in range(90)
)
TABLES = {
    "classes": ("the name of a column that somebody wrote in full,b,c,colour,kind\n" + ROWS, "kind"),
    "two classes": ("a,b,kind\n" + "".join(f"{i % 7},{i * 5 % 11},{'yn'[i % 7 > 3]}\n" for i in range(80)), "kind"),
    "numbers": ("a,b,y\n" + "".join(f"{i % 17},{i * 7 % 23},{i % 17 * 1.5 + i % 3}\n" for i in range(80)), "y"),
}


@pytest.fixture(scope="module", params=TABLES)
def page(request, here, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    table, target = TABLES[request.param]
    (folder / "t.csv").write_text(table, encoding="utf-8")
    outcome = here("compare", folder / "t.csv", "--target", target, "--folds", "3", "--report", folder / "page.html")
    assert outcome.code == 0, outcome.err
    return folder / "page.html"


def shown(path, *flags, width=PHONE, height=2000):
    """What the browser says about a page."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
               f"--user-data-dir={path.parent / 'profile'}", f"--window-size={width},{height}", *flags,
               path.as_uri()]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_complaints_and_the_colours_asked_for(page, tmp_path, scheme):
    picture = tmp_path / "page.png"
    flags = [f"--screenshot={picture}", f"--blink-settings=preferredColorScheme={int(scheme == 'light')}"]
    said = shown(page, *flags).stderr
    assert "CONSOLE" not in said, said
    image = Image.open(picture).convert("L")
    counts = image.histogram()
    ground = counts.index(max(counts))
    assert (ground > 200) == (scheme == "light")
    inks = sum(counts[:110] if scheme == "light" else counts[145:])
    assert inks > 0.01 * sum(counts)  # text that can be told from its ground


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_is_wider_than_the_screen(page, tmp_path, width):
    text = page.read_text(encoding="utf-8")
    measured = tmp_path / "measured.html"
    policy = r'<meta http-equiv="Content-Security-Policy"[^>]*>'
    assert re.search(policy, text)
    measured.write_text(re.sub(policy, "", text).replace("</body>", MEASURE + "</body>"), encoding="utf-8")
    title = re.search(r"<title>\[(\d+),(\d+)\]</title>", shown(measured, "--dump-dom", width=width).stdout)
    assert int(title[1]) <= int(title[2])


def test_the_policy_holds(page, tmp_path):
    """A page with a script in it is complained of: so would the others be."""
    forged = tmp_path / "forged.html"
    text = page.read_text(encoding="utf-8").replace("</body>", MEASURE + "</body>")
    forged.write_text(text, encoding="utf-8")
    assert "CONSOLE" in shown(forged, f"--screenshot={tmp_path / 'p.png'}").stderr
