"""Files of a model hub through the optional huggingface_hub, whose cache and ``HF_*`` settings hold."""

from infercost.errors import BadFile, UnknownName

#: How long the hub may take to say whether it has a file; its own client would try for half a minute.
SECONDS = 5


_REASONS = {
    "RepositoryNotFoundError": "the hub has no such public repository",
    "GatedRepoError": "the repository is gated: log in to the hub first",
    "EntryNotFoundError": "its repository holds no config.json",
    "RemoteEntryNotFoundError": "its repository holds no config.json",
    "LocalEntryNotFoundError": "the hub cannot be reached, and its cache does not hold it",
    "OfflineModeIsEnabled": "the hub is switched off (HF_HUB_OFFLINE), and its cache does not hold it",
}


def fetch(name: str, file: str) -> str:
    """The local path of a repository's file.

    Raises:
        UnknownName: huggingface_hub is not installed.
        BadFile: the hub does not have it, or cannot be reached.
    """
    try:
        import huggingface_hub  # noqa: F401
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError
        from huggingface_hub.utils.logging import set_verbosity_error
    except ModuleNotFoundError as error:
        hint = "pip install 'infercost[hub]' to ask the hub, or give its config.json or a folder that holds it"
        raise UnknownName(f"no model preset has the name {name!r}", hint) from error
    set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        return _download(name, file)
    except (EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = _REASONS.get(type(error).__name__) or " ".join(str(error).split())[:120]
        raise BadFile(f"model {name}: {reason}", "give its config.json, or a folder that holds it") from error


def _download(name: str, file: str) -> str:
    """The file as the hub has it now; as the cache has it when the hub does not answer at the first attempt."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        get_hf_file_metadata(hf_hub_url(name, file), timeout=SECONDS)
    except Exception as error:  # the client of its client is one of three libraries
        try:
            return str(hf_hub_download(name, file, local_files_only=True))
        except LocalEntryNotFoundError as missing:
            raise error if isinstance(error, HfHubHTTPError) else missing from error
    return str(hf_hub_download(name, file))
