"""Refusals of a request, in the one shape that all errors have on the wire (`serving.api.responses.ErrorAnswer`).

configs.errors.GpmcastError
└── Refused          a request that is not answered: status, code, one sentence in each language, every problem found
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from configs.errors import GpmcastError


@dataclass(frozen=True)
class RequestProblem:
    """One problem of a request.

    Attributes:
        problem: What is wrong.
        hint: What would be right.
        zh: Both in Chinese.
        field: Path of the field: `creatives[2].metrics[0].clicks`; None: the whole request.
        creative_id: Of which creative; None: of none, or not known.
    """

    problem: str
    hint: str
    zh: str
    field: str | None = None
    creative_id: str | None = None


MOST_PROBLEMS = 200
"""Problems in one error answer; the rest are counted."""
_ORDER = ("creative_id", "field", "problem", "hint", "zh")

CODES: dict[str, tuple[int, str, str]] = {
    "not_understood": (400, "请求无法理解", "The request is not understood."),
    "no_key": (401, "没有有效的 API 密钥", "No known API key."),
    "key_scope": (403, "该 API 密钥没有此权限", "This API key may not do this."),
    "keys_needed": (
        403,
        "服务没有设置 API 密钥，只回答本机的请求",
        "This service has no API keys and answers callers of this machine alone.",
    ),
    "not_found": (404, "此路径下没有内容", "There is nothing at this path; /v1/openapi.json lists the paths."),
    "method": (405, "此路径不接受该方法", "This path takes another method."),
    "body_too_slow": (408, "请求内容没有在限定时间内收完", "The body did not come in time."),
    "headers_too_slow": (408, "请求头没有在限定时间内收完", "The headers did not come in time."),
    "other_version": (409, "当前服务的是另一个模型版本", "Another model version serves."),
    "too_large": (413, "请求过大", "The request is too large."),
    "media_type": (415, "内容类型不被接受，或内容被压缩", "The body is of another media type, or compressed."),
    "unknown_host": (421, "Host 请求头不是本服务的地址", "The Host header names no address of this service."),
    "contradiction": (422, "请求的内容自相矛盾，或模型无法使用", "It contradicts itself, or the model cannot use it."),
    "not_predicted": (422, "模型不预测这个目标", "The target is not predicted."),
    "not_planned": (422, "做不了计划", "No plan can be made."),
    "unusable_file": (422, "这份文件无法使用", "The file cannot be used."),
    "key_rate": (429, "该 API 密钥的请求过于频繁", "Too many requests with this API key."),
    "headers_too_large": (431, "请求头过大", "The headers are too large."),
    "failed": (500, "服务内部出错；日志中有此请求编号", "The service failed; the request id is in its log."),
    "busy": (503, "同时进行的请求过多", "Too many requests at a time."),
    "ended_early": (503, "计算意外中断，请重试", "The computation ended early; try again."),
    "no_model": (503, "尚未加载模型", "No model is loaded."),
    "not_ready": (503, "服务尚未就绪", "The service is not ready."),
    "too_slow": (504, "没有在限定时间内完成", "Not done in time; ask for fewer creatives at a time."),
}
"""Code → status, and the sentence in Chinese and in English. Codes are stable: programs decide by them."""
_CODE_OF_STATUS = {status: code for code, (status, _, _) in reversed(CODES.items())}


@dataclass
class Refused(GpmcastError):
    """A request that is not answered.

    Attributes:
        status: HTTP status.
        error: One sentence in English.
        problems: Every problem found, or the first ones.
        headers: More headers of the answer.
        code: A key of CODES; empty: the first of this status.
        zh: The sentence in Chinese; empty: that of the code.
        unlisted: Problems found beside `problems`.
    """

    status: int
    error: str
    problems: Sequence[RequestProblem] = ()
    headers: dict[str, str] = field(default_factory=dict)
    code: str = ""
    zh: str = ""
    unlisted: int = 0

    def __post_init__(self) -> None:
        self.code = self.code or _CODE_OF_STATUS[self.status]
        self.zh = self.zh or CODES[self.code][1] + "。"

    def __str__(self) -> str:
        return "; ".join([self.error, *(f"{problem.field}: {problem.problem}" for problem in self.problems)])

    def body(self, request_id: str) -> dict[str, object]:
        """The error answer as plain values."""
        error, zh = self.error, self.zh
        found = len(self.problems) + self.unlisted
        if found > MOST_PROBLEMS:
            error += f" (the first {MOST_PROBLEMS} of {found} problems found)"
            zh += f"（共发现 {found} 个问题，列出前 {MOST_PROBLEMS} 个）"
        shown = [asdict(problem) for problem in self.problems[:MOST_PROBLEMS]]
        errors = [{name: values[name] for name in _ORDER} for values in shown]
        return {"code": self.code, "zh": zh, "en": error, "error": error, "errors": errors, "request_id": request_id}


def refused(code: str, **headers: str) -> Refused:
    """The refusal of this code with its own sentences.

    Args:
        code: A key of CODES.
        headers: More headers of the answer; `_` in a name stands for `-`.
    """
    status, _, en = CODES[code]
    return Refused(status, en, headers={name.replace("_", "-"): value for name, value in headers.items()}, code=code)


def refused_by_status(status: int, headers: dict[str, str]) -> Refused:
    """The refusal behind an error response that other code made: only its status and some headers are kept."""
    if status not in _CODE_OF_STATUS:
        status = 500 if status >= 500 else 400
    return Refused(status, CODES[_CODE_OF_STATUS[status]][2], headers=headers)
