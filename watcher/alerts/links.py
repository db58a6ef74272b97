"""Links to the operator's app, made of `nonce.app_url`; what the API calls things is quoted in them."""

import re
from dataclasses import dataclass
from urllib.parse import quote

PLACES = ("farm", "batch", "miner")
_PLACE = re.compile(r"\{(\w*)\}")


def app_url_fault(template: str) -> str | None:
    """What is wrong with a template of links, in a sentence; None if nothing is."""
    named = _PLACE.findall(template)
    strange = [name for name in named if name not in PLACES]
    if strange:
        return f"has {{{strange[0]}}}, which is none of {{farm}}, {{batch}} and {{miner}}"
    if "{" in _PLACE.sub("", template) or "}" in _PLACE.sub("", template):
        return "has a brace that belongs to none of {farm}, {batch} and {miner}"
    if not {"batch", "miner"} & set(named):
        return "must name {batch} or {miner}"
    return None


@dataclass(frozen=True, slots=True)
class AppLinks:
    """Makes links.

    Args:
        template: of `nonce.app_url`, which `app_url_fault` finds right; None: there are no links.
    """

    template: str | None = None

    @property
    def to_miners(self) -> bool:
        return "{miner}" in (self.template or "")

    def url(self, *, farm: str | None, batch: str | None, miner: str | None) -> str | None:
        """The link; None where the template names what is not known."""
        values = {"farm": farm, "batch": batch, "miner": miner}
        if self.template is None or any(not values[name] for name in _PLACE.findall(self.template)):
            return None
        return _PLACE.sub(lambda place: _quoted(values[place[1]] or ""), self.template)


NO_LINKS = AppLinks()


def _quoted(name: str) -> str:
    """Nothing of a name can be a path, a query or another host; a lone surrogate cannot be quoted and is replaced."""
    whole = quote(name.encode("utf-8", "replace"), safe="")
    return whole.replace(".", "%2E") if set(name) == {"."} else whole
