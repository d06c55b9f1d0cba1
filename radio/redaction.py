"""Hides secrets in what is logged. Knows nothing about the log or whose the secrets are.

A long secret is hidden wherever it stands. A short one may be a word or the name of a folder: hidden in `/srv/radio` or
`lofi-radio` it would garble the line and, worse, tell who reads it what the password is. So a short one is hidden where
it stands by itself, and one of letters alone only where a secret is expected: after `password` and the like, and in the
address of a stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

LONG_ENOUGH = 12
"""Characters of a secret that cannot well be part of anything else."""
_SHORT = 4
"""Fewer characters than that are `1` or `a`: hidden as words are."""
_MARK = "***"
_LOGIN_IN_ADDRESS = re.compile(r"(\w+://)[^/\s:@]+:[^/\s@]+@")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_OF_FILES_AND_PAGES = ("http://", "https://", "file://")
_ALONE = r"(?<![\w/\\-])(?<!\w\.){}(?![\w/\\-])(?!\.\w)"
_EXPECTED = (
    r"(?i:(?<![a-z])((?:pass(?:word|wd|phrase)?|secret|token|key|login|credentials?)\W{{1,4}})){}(?![\w/\\-])(?!\.\w)"
)
_IN_ADDRESS = r"(?<=[/?&=:@#;,]){}(?![\w-])(?!\.\w)"


class Redaction:
    """Puts `***` in the place of secrets; picklable."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
        known = sorted(forms, key=len, reverse=True)
        short = [form for form in known if len(form) < LONG_ENOUGH]
        words = [form for form in short if form.isalpha() or len(form) < _SHORT]
        self._anywhere = [re.compile(re.escape(form)) for form in known if len(form) >= LONG_ENOUGH]
        self._alone = [re.compile(_ALONE.format(re.escape(form))) for form in short if form not in words]
        self._expected = [re.compile(_EXPECTED.format(re.escape(form))) for form in words]
        self._in_address = [re.compile(_IN_ADDRESS.format(re.escape(form))) for form in short]

    def clean(self, text: str) -> str:
        """Return a text without secrets."""
        for pattern in self._anywhere:
            text = pattern.sub(_MARK, text)
        if self._in_address:
            text = _ADDRESS.sub(self._clean_address, text)
        for pattern in self._alone:
            text = pattern.sub(_MARK, text)
        for pattern in self._expected:
            text = pattern.sub(rf"\1{_MARK}", text)
        return _LOGIN_IN_ADDRESS.sub(rf"\1{_MARK}@", text)

    def _clean_address(self, found: re.Match[str]) -> str:
        """Hide the parts of an address that are a short secret: a stream's key, a login, a value of a query."""
        address = found[0]
        if not address.lower().startswith(_OF_FILES_AND_PAGES):
            return self._clean_parts(address)
        path = address.rfind("@") + 1
        query = max(path, address.find("?") if "?" in address else len(address))
        return self._clean_parts(address[:path]) + address[path:query] + self._clean_parts(address[query:])

    def _clean_parts(self, text: str) -> str:
        for pattern in self._in_address:
            text = pattern.sub(_MARK, text)
        return text
