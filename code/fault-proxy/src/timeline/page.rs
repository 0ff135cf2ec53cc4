//! What all pages share: how they look, and text that is safe in them.

/// Marks differ by shape as well as by colour.
pub(super) const STYLE: &str = "
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2330; --soft: #5b6472; --rule: #d5dae1;
  --told: #1f6fd1; --read: #6b7480; --written: #0b7a4b; --bad: #c0262d; --shade: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171c; --ink: #e4e8ee; --soft: #9aa4b2; --rule: #343b46;
  --told: #6aaeff; --read: #98a2b0; --written: #4fcf94; --bad: #ff7a7f; --shade: #1d2229; } }
body { margin: 1.5rem auto; max-width: 60rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.3rem; margin: 0 0 .3rem; }
p { color: var(--soft); margin: 0 0 1rem; }
figure { margin: 0 0 1.5rem; padding: .8rem; background: var(--shade); border-radius: 6px; }
.lane { display: flex; align-items: center; min-height: 2rem; }
.of { flex: 0 0 8.5rem; color: var(--soft); font-size: .85rem; }
.line { position: relative; flex: 1; height: 1.4rem; margin: 0 .5rem; }
.line::before { content: ''; position: absolute; inset: 50% -.5rem auto; border-top: 1px solid var(--rule); }
.line a { position: absolute; top: 50%; transform: translate(-50%, -50%); }
.line a:hover, .line a:focus { outline: 2px solid var(--ink); outline-offset: 2px; z-index: 1; }
.ends { flex: 1; display: flex; justify-content: space-between; color: var(--soft); font-size: .8rem; }
.line a, .key { display: inline-block; box-sizing: border-box; width: 11px; height: 11px; border: 2px solid; }
.line a.told, .key.told { color: var(--told); border-radius: 50%; background: currentColor; }
.line a.read, .key.read { color: var(--read); width: 4px; background: currentColor; border-width: 0; height: 15px; }
.line a.written, .key.written { color: var(--written); background: currentColor; }
.line a.still, .key.still { background: var(--paper); }
.line a.refused, .key.refused { color: var(--bad); background: var(--paper); border-radius: 0; width: 11px; height: 11px; border-width: 2px;
  transform: translate(-50%, -50%) rotate(45deg); }
.key.refused { transform: rotate(45deg); }
.line a.fault, .key.fault { box-shadow: 0 0 0 2px var(--shade), 0 0 0 4px var(--bad); }
figcaption { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1.1rem; margin-top: .6rem; font-size: .8rem;
  color: var(--soft); }
figcaption span { white-space: nowrap; } .key { vertical-align: -1px; margin-right: .3rem; }
ol { list-style: none; margin: 0; padding: 0; }
ol > li { display: flex; gap: .8rem; padding: .3rem .6rem; border-left: 4px solid var(--read); margin-bottom: 2px; }
ol > li.told { border-color: var(--told); } ol > li.written { border-color: var(--written); }
ol > li.refused, ol > li.fault { border-color: var(--bad); } ol > li:target { background: var(--shade); }
ol > li.pause { border-color: transparent; color: var(--soft); font-size: .85rem; padding-left: 5.4rem; }
time { flex: 0 0 4rem; text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; }
.what { min-width: 0; overflow-wrap: anywhere; }
.told b { color: var(--told); } .written b { color: var(--written); } .read b { color: var(--read); }
.outcome, .again { color: var(--soft); } .refused .outcome, em { color: var(--bad); font-style: normal; font-weight: 600; }
details { margin-top: .2rem; } summary { color: var(--soft); font-size: .85rem; cursor: pointer; }
details ul { list-style: none; margin: .2rem 0 .3rem; padding: .4rem .6rem; background: var(--shade); border-radius: 4px;
  font: 13px/1.5 ui-monospace, monospace; }
.added { color: var(--written); } .removed { color: var(--bad); }
@media (max-width: 36rem) { body { margin: .8rem auto; padding: 0 .6rem; }
  .lane { display: block; margin-bottom: .2rem; } .of { display: block; } .line { margin: 0 .5rem; }
  .axis .of { display: none; } ol > li { gap: .5rem; padding: .3rem .4rem; } time { flex-basis: 3.1rem; }
  ol > li.pause { padding-left: 4rem; } }
";

/// Text as it can stand in a page.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
