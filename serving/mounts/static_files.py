"""The files of the page, and the content security policies of page, report and docs."""

from functools import cache
from pathlib import Path

from training.charts.theme import theme

HOME = "/"
PAGE = "/page/"
THEME = "theme.css"
"""The stylesheet that the page shares with report and evaluation."""
FOLDER = Path(__file__).parents[1] / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PAGE_POLICY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
DOCS_POLICY = {
    # Swagger UI sets inline styles.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
REPORT_POLICY = {
    # The report is one file with inline scripts: a sandbox gives it an opaque origin, so it cannot call the service.
    "content-security-policy": (
        "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def page_file(path: str) -> tuple[bytes, str] | None:
    """Content and media type of the file at this path; None where there is none."""
    name = "index.html" if path == HOME else path.removeprefix(PAGE)
    return _files().get(name)


def page_paths() -> list[str]:
    """The paths of all files of the page."""
    return [HOME, *(PAGE + name for name in _files())]


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """File name → content and type. Requests are looked up here, so that no path of a request reaches the disk."""
    found = [file for file in FOLDER.iterdir() if file.suffix in MEDIA_TYPES]
    files = {file.name: (file.read_bytes(), MEDIA_TYPES[file.suffix]) for file in found}
    return files | {THEME: (theme().encode(), MEDIA_TYPES[".css"])}
