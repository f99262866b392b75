// The report's style sheet: calm, readable on a phone, light and dark, and good on paper.

enum ReportStyle {
    static let sheet: HTML = """
        :root{--ink:#1d2430;--soft:#5b6575;--line:#dfe3ea;--paper:#fff;--ground:#f5f6f8;--blue:#2457c5;--green:#19764a;\
        --red:#b3261e;--amber:#a15c00}
        @media (prefers-color-scheme:dark){:root{--ink:#e8eaef;--soft:#a0a9b8;--line:#2f3643;--paper:#191d25;\
        --ground:#101319;--blue:#86acff;--green:#6fd3a0;--red:#ff9a90;--amber:#f3b662}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,\
        sans-serif;overflow-wrap:anywhere}
        main{max-width:60rem;margin:0 auto;padding:1.25rem 1rem 3rem}
        h1{font-size:clamp(1.5rem,5vw,2.2rem);line-height:1.2;margin:.1rem 0 .6rem}
        h2{font-size:1.2rem;margin:0 0 .5rem}
        h3{font-size:1rem;margin:0 0 .4rem}
        p{margin:.3rem 0}
        .over,.note,footer,figcaption{color:var(--soft);font-size:.875rem}
        .over{letter-spacing:.04em;text-transform:uppercase}
        .label{display:inline-block;border:1px solid var(--amber);color:var(--amber);border-radius:99px;\
        padding:.05rem .7rem;font-weight:600}
        section{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:1.1rem;margin:1rem 0}
        .verdict{border-left:6px solid var(--green)}
        .verdict h2{font-size:1.6rem;color:var(--green)}
        .verdict.bad{border-left-color:var(--red)}
        .verdict.bad h2{color:var(--red)}
        .checks{list-style:none;margin:.8rem 0;padding:0}
        .checks li{display:grid;grid-template-columns:1.4rem 1fr auto;gap:.5rem;padding:.45rem 0;\
        border-top:1px solid var(--line)}
        .sign{font-weight:700;color:var(--soft)}
        .checks .ok .sign{color:var(--green)}
        .checks .bad .sign{color:var(--red)}
        .checks .open{color:var(--soft)}
        .ground{font-size:.8rem;color:var(--soft);white-space:nowrap}
        .tiles,.cards{display:grid;gap:.75rem;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr))}
        .cards{grid-template-columns:repeat(auto-fit,minmax(17rem,1fr))}
        .tile,.card{background:var(--ground);border-radius:10px;padding:.7rem .9rem;min-width:0}
        .tile p{margin:0;color:var(--soft);font-size:.875rem}
        .tile .big{color:var(--ink);font-size:1.35rem;font-weight:650;font-variant-numeric:tabular-nums}
        .wide{overflow-x:auto;margin-top:.8rem}
        table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
        th,td{text-align:right;padding:.35rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap}
        th:first-child{text-align:left;padding-left:0}
        thead th{color:var(--soft);font-weight:600}
        tbody th{font-weight:500}
        .bar{width:30%;min-width:5rem}
        .bar svg{width:100%;height:8px;display:block}
        .bar rect{fill:var(--blue)}
        code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.82rem}
        pre{background:var(--ground);border-radius:10px;padding:.8rem;overflow-x:auto;white-space:pre-wrap}
        dl{margin:0;display:grid;gap:.1rem}
        dt{color:var(--soft);font-size:.8rem}
        dd{margin:0 0 .35rem}
        figure{margin:.6rem 0}
        figure svg{width:100%;height:auto;display:block}
        svg text{fill:var(--soft);font-size:12px}
        .grid{stroke:var(--line)}
        polyline{fill:none;stroke-width:2;stroke-linejoin:round}
        polyline.train{stroke:var(--soft);opacity:.8}
        polyline.valid{stroke:var(--blue)}
        polyline.seal{stroke:var(--green)}
        circle.valid{fill:var(--blue)}
        circle.best{fill:none;stroke:var(--green);stroke-width:2}
        .key{display:inline-block;width:1rem;height:3px;vertical-align:middle;background:var(--soft)}
        .key.valid{background:var(--blue)}
        summary{cursor:pointer;color:var(--blue);padding:.4rem 0}
        a:focus-visible,summary:focus-visible{outline:2px solid var(--blue);outline-offset:2px}
        @media (max-width:34rem){.checks li{grid-template-columns:1.4rem 1fr}.ground{grid-column:2}section{padding:.9rem}}
        @media print{body{background:none}section{break-inside:avoid;border-color:#bbb}}
        """
}
