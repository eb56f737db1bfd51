"""A sealed letter on paper: text, signature, hashes, and 样例 across every page."""

import io
import re
from typing import Any

from yibao.steps.commitment.models import Letter

FONT = "STSong-Light"
BLOCK = re.compile(r"<(h1|h2|p|li)[^>]*>(.*?)</\1>")
ENDED = {"REVOKED": "本承诺书已作废 REVOKED", "SUPERSEDED": "本承诺书已被新版替代 SUPERSEDED"}


def of(letter: Letter, seal_sha256: str) -> bytes:
    """The letter as PDF; the same letter gives the same bytes."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import SimpleDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    out = io.BytesIO()
    document = SimpleDocTemplate(out, pagesize=A4, title=letter.template_id, author="样例 SAMPLE", invariant=1)
    document.build(_story(letter, seal_sha256), onFirstPage=_watermark, onLaterPages=_watermark)
    return out.getvalue()


def _story(letter: Letter, seal_sha256: str) -> list[Any]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Image, Paragraph, Spacer

    body = ParagraphStyle("body", fontName=FONT, fontSize=10.5, leading=17, wordWrap="CJK")
    styles = {
        "h1": ParagraphStyle("h1", parent=body, fontSize=18, leading=28, alignment=1),
        "h2": ParagraphStyle("h2", parent=body, fontSize=12, leading=22, spaceBefore=6),
    }
    small = ParagraphStyle("small", parent=body, fontSize=7.5, leading=11)
    story: list[Any] = [
        Paragraph(markup, styles.get(tag, body)) for tag, markup in BLOCK.findall(letter.rendered_html)
    ]
    if letter.state in ENDED:
        story.insert(1, Paragraph(ENDED[letter.state], styles["h2"]))
    assert letter.signed_at is not None
    story += [
        Spacer(1, 12),
        Image(io.BytesIO(letter.signature_png or b""), width=180, height=60, hAlign="LEFT"),
        Paragraph(f"签署时间 {letter.signed_at.isoformat(timespec='milliseconds')}", small),
        Paragraph(f"模板 {letter.template_id} 版本 {letter.template_version} 编号 {letter.key}", small),
        Paragraph(f"内容校验值 content_sha256 {letter.content_sha256}", small),
        Paragraph(f"签名校验值 signature_sha256 {letter.signature_sha256}", small),
        Paragraph(f"封存校验值 seal_sha256 {seal_sha256}", small),
    ]
    return story


def _watermark(canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont(FONT, 60)
    canvas.setFillGray(0.9)
    canvas.translate(300, 420)
    canvas.rotate(45)
    canvas.drawCentredString(0, 0, "样例 SAMPLE")
    canvas.restoreState()
