"""Generate the sample data of gpmcast: a simulated world with known true rates, as the platform's export files.

    python -m sample --out var/sample-exports --truth var/sample-truth.parquet

Creative names follow one pattern, tokens joined by `-`:

    <M月D日>-<code>-<信息流|直播>-<style>-<hook>-<scene>-<face>-<script>-<editor>.mp4
    7月20日-TW75194-信息流-混剪-痛点直击-居家-宝妈-痛点科普-小林.mp4

A few creatives of the tag sheet have other names (`成片终版_10123.mp4`). The package imports no product code.
First file to open: `simulation.py`.
"""
