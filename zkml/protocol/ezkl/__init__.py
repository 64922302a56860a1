"""Protocols of EZKL's circuits, from `settings.json` and `vk.key` alone."""

from zkml.protocol.ezkl.build import digest_candidates, protocol_from_ezkl, vka_digest

__all__ = ["digest_candidates", "protocol_from_ezkl", "vka_digest"]
