"""Draws the page's PNG icons from icon.svg with Chromium: `python -m bench.icons`."""

from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).parent.parent / "radio/web/static"
ICONS = {"icon-180.png": (180, 0.0, 0), "icon-192.png": (192, 0.0, 112), "icon-512.png": (512, 0.0, 112)} | {
    "icon-maskable-512.png": (512, 0.1, 0)  # launchers cut off up to a tenth on each side
}
"""File → (pixels, margin as a share, radius of the corners in the drawing)."""


def main() -> None:
    """Draw them all."""
    drawing = (STATIC / "icon.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, (pixels, margin, radius) in ICONS.items():
            page = browser.new_page(viewport={"width": pixels, "height": pixels})
            svg = drawing.replace('rx="112"', f'rx="{radius}"')
            inner = f"position:fixed;inset:{margin * 100}%" if margin else "position:fixed;inset:0"
            ground = "#2b1d12" if margin else "transparent"
            page.set_content(f'<body style="margin:0;background:{ground}"><div style="{inner}">{svg}</div></body>')
            page.screenshot(path=STATIC / name, omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
