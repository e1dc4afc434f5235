"""How a report looks: on a screen, wide and narrow, light and dark, and on paper."""

from agents.playbooks.document.drawing import CHART_STYLE, plain

STYLE = f"""
:root {{
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1f2421; --soft: #5b635e; --line: #dedad0; --wash: #f2f0ea; --accent: #2f5d50;
  --warn: #8a4b08; --warn-wash: #fbeedd; --bad: #9c2a2a; --bad-wash: #fae6e4; --note: #2f4d6d; --note-wash: #e4ecf4;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; --mono: ui-monospace, "SF Mono", Menlo, Consolas, monospace;
}}
@media screen and (prefers-color-scheme: dark) {{
  :root {{
    --paper: #161917; --card: #1e2220; --ink: #e8e6e0; --soft: #a3aaa4; --line: #383e3a; --wash: #252a27; --accent: #8fc7b4;
    --warn: #e8b878; --warn-wash: #3a2d1c; --bad: #f0a29b; --bad-wash: #3f2624; --note: #a9c6e4; --note-wash: #22303f;
  }}
}}
* {{ box-sizing: border-box; }}
html {{ font: 16px/1.6 var(--sans); background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }}
body {{ margin: 0; overflow-wrap: break-word; }}
h1, h2, h3, h4, h5, h6 {{ font-family: var(--serif); font-weight: 600; line-height: 1.25; text-wrap: balance; }}
h1 {{ font-size: clamp(1.6rem, 4vw, 2.4rem); margin: 0 0 .5rem; }}
h2 {{ font-size: 1.6rem; margin: 4rem 0 1.2rem; padding-bottom: .4rem; border-bottom: 2px solid var(--accent); }}
h3 {{ font-size: 1.25rem; margin: 0; }}
h4 {{ font-size: 1.05rem; margin: 1.6rem 0 .4rem; }}
h5, h6 {{ font-size: .95rem; margin: 1.2rem 0 .3rem; }}
p {{ margin: .6rem 0; }}
ul, ol {{ padding-left: 1.4rem; margin: .6rem 0; }}
li {{ margin: .2rem 0; }}
a {{ color: var(--accent); text-underline-offset: .15em; }}
:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }}
blockquote {{ margin: .8rem 0; padding: .1rem 1rem; border-left: 3px solid var(--line); color: var(--soft); }}
code, pre {{ font-family: var(--mono); font-size: .85em; }}
pre {{ background: var(--wash); padding: .8rem 1rem; border-radius: 8px; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }}
.skip {{ position: absolute; left: -999px; }}
.skip:focus {{ left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; z-index: 2; }}
.page {{ max-width: 84rem; margin: 0 auto; padding: 2rem clamp(1rem, 3vw, 3rem) 6rem; }}
.cover .facts {{ color: var(--soft); font-size: .92rem; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; padding: 0; margin: .8rem 0; list-style: none; }}
.cover .lead {{ font-size: 1.1rem; max-width: 46rem; }}
.contents {{ font-size: .92rem; }}
.contents h2 {{ font-size: 1rem; margin: 0 0 .6rem; border: 0; padding: 0; }}
.contents ol {{ list-style: none; padding: 0; margin: 0; }}
.contents ol ol {{ padding-left: .9rem; border-left: 1px solid var(--line); margin: .2rem 0 .7rem; }}
.contents a {{ text-decoration: none; color: inherit; }}
.contents a:hover {{ text-decoration: underline; }}
.contents > ol > li > a {{ font-weight: 600; }}
.contents ol ol a {{ color: var(--soft); }}
.piece {{ margin: 2.4rem 0 0; }}
.piece > header {{ display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .8rem; margin-bottom: .5rem; }}
.by {{ color: var(--soft); font-size: .82rem; margin: 0; }}
.flag {{ font-size: .78rem; font-weight: 600; border-radius: 99px; padding: .1rem .6rem; background: var(--note-wash); color: var(--note); }}
.flag.stale {{ background: var(--warn-wash); color: var(--warn); }}
.flag.missing {{ background: var(--bad-wash); color: var(--bad); }}
.words {{ max-width: 52rem; }}
.scroll {{ overflow-x: auto; max-width: 100%; }}
.words .scroll {{ margin: .8rem 0; }}
table {{ border-collapse: collapse; font-size: .88rem; line-height: 1.45; min-width: 100%; }}
th, td {{ border-bottom: 1px solid var(--line); padding: .45rem .7rem .45rem 0; text-align: left; vertical-align: top; min-width: 5rem; }}
.day {{ white-space: nowrap; }}
th {{ font-weight: 600; color: var(--soft); border-bottom-width: 2px; }}
figure {{ margin: 1.4rem 0 2.2rem; }}
figcaption {{ font-weight: 600; margin-bottom: .5rem; }}
figure .scroll {{ border: 1px solid var(--line); border-radius: 8px; background: var(--card); margin-bottom: .8rem; }}
figure svg {{ display: block; width: 100%; min-width: 46rem; height: auto; border-radius: 8px; }}
figure.small .scroll {{ max-width: 48rem; }}
figure.small svg {{ min-width: 34rem; }}
.chips {{ columns: 18rem; font-size: .88rem; color: var(--soft); padding: 0; list-style: none; }}
.chips li {{ break-inside: avoid; margin: 0 0 .2rem; }}
.chips b {{ color: var(--ink); }}
details {{ border: 1px solid var(--line); border-radius: 8px; background: var(--card); padding: .6rem 1rem; margin: .7rem 0; }}
summary {{ cursor: pointer; }}
summary h3 {{ display: inline; font: inherit; font-weight: 600; }}
.problems {{ background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--warn); border-radius: 8px; padding: .8rem 1.2rem; margin: 1.6rem 0; max-width: 52rem; }}
.problems h2 {{ font-size: 1.05rem; margin: 0 0 .4rem; border: 0; padding: 0; }}
.problems li {{ font-size: .92rem; }}
@media screen and (min-width: 68rem) {{
  .frame {{ display: grid; grid-template-columns: 16rem minmax(0, 1fr); gap: 3rem; align-items: start; }}
  .contents {{ position: sticky; top: 1.5rem; max-height: calc(100vh - 3rem); overflow-y: auto; }}
}}
@media screen and (max-width: 67.99rem) {{
  .contents {{ background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.2rem; margin: 1.5rem 0; max-height: 18rem; overflow-y: auto; }}
}}
@media screen and (max-width: 40rem) {{
  th, td {{ min-width: 6.4rem; }}
  th:first-child, td:first-child {{ min-width: 9.5rem; }}
}}
@media print {{
  html {{ font-size: 10.5pt; line-height: 1.45; background: #fff; color: #111; }}
  .page {{ max-width: none; padding: 0; }}
  .skip, .unprinted {{ display: none; }}
  .cover {{ break-after: auto; }}
  .contents {{ columns: 2; column-gap: 2rem; break-inside: auto; }}
  .contents ol ol, .contents li {{ break-inside: avoid; }}
  h2.part {{ break-before: page; margin-top: 0; }}
  h3, h4, h5, .piece > header, figcaption, summary {{ break-after: avoid; }}
  p, li {{ orphans: 3; widows: 3; }}
  tr, figure .scroll, blockquote, .problems li {{ break-inside: avoid; }}
  thead {{ display: table-header-group; }}
  .words, .problems, .cover .lead {{ max-width: none; }}
  .scroll {{ overflow: visible; }}
  table {{ font-size: 8.5pt; }}
  td {{ min-width: 7em; overflow-wrap: anywhere; }}
  th, td:first-child {{ overflow-wrap: break-word; hyphens: none; }}
  figure svg, figure.small svg {{ min-width: 0; max-width: 100%; max-height: 235mm; }}
  figure .scroll {{ border-color: #ccc; }}
  a {{ color: inherit; }}
}}
{CHART_STYLE}
"""


def page_style(title: str) -> str:
    """Pages of paper with the title at the head and numbers at the foot."""
    words = plain(title)[:120].replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\3c ")
    margin = "font: 8.5pt sans-serif; color: #555;"
    return (
        f'@page {{ size: A4; margin: 20mm 17mm 18mm; @top-left {{ content: "{words}"; {margin} }} '
        f'@bottom-right {{ content: counter(page) " / " counter(pages); {margin} }} }}'
        "@page :first { @top-left { content: none; } }"
    )
