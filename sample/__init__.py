"""What is the embedded default of gpmcast? A traffic world with known truth, in the platform's own files.

    python -m sample --out var/sample-exports --truth var/sample-truth.parquet

Creative names follow one pattern, tokens joined by `-`:

    <M月D日>-<code>-<信息流|直播>-<style>-<hook>-<scene>-<face>-<script>-<editor>.mp4
    7月20日-TW75194-信息流-混剪-痛点直击-居家-宝妈-痛点科普-小林.mp4

A few names of creatives that stand in the tag sheet do not follow it (`成片终版_10123.mp4`). The world knows
no product code and imports none.
"""
