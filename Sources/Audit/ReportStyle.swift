// The report's style sheet: calm, readable on a phone, light and dark, and good on paper.

enum ReportStyle {
    /// Colours have a contrast of at least 4.5 : 1 against both grounds for text, 3 : 1 for lines that mean something.
    static let sheet: HTML = """
        :root{--ink:#1c2430;--soft:#56606f;--line:#dde2e9;--paper:#fff;--ground:#f4f5f7;--blue:#1f55c4;--green:#17714a;\
        --red:#b3261e;--amber:#8f5200;--dot:#8b95a5;--tint:#eef3fd}
        @media screen and (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#a3adbb;--line:#303846;--paper:#181c24;\
        --ground:#0f1218;--blue:#8cb0ff;--green:#6fd3a0;--red:#ff9a90;--amber:#f0b45e;--dot:#6d7787;--tint:#1f2736}}
        *{box-sizing:border-box}
        html{scroll-behavior:smooth;-webkit-text-size-adjust:100%;text-size-adjust:100%}
        body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,\
        "Noto Sans",sans-serif;overflow-wrap:anywhere}
        main{max-width:58rem;margin:0 auto;padding:2rem 1.25rem 3rem}
        h1{font-size:clamp(1.6rem,5vw,2.3rem);line-height:1.2;letter-spacing:-.01em;margin:.1rem 0 .5rem}
        h2{font-size:1.3rem;line-height:1.3;margin:0 0 .6rem}
        h3{font-size:1rem;margin:0 0 .5rem}
        p{margin:.4rem 0;max-width:44rem}
        .over{letter-spacing:.08em;text-transform:uppercase;font-size:.8rem;font-weight:600;color:var(--soft)}
        .note,footer,figcaption{color:var(--soft);font-size:.875rem;line-height:1.55}
        .lead{font-size:1.05rem}
        .synthetic{border-left:4px solid var(--amber);padding:.1rem 0 .1rem .9rem}
        .synthetic strong{color:var(--amber)}
        section{background:var(--paper);border:1px solid var(--line);border-radius:14px;padding:1.5rem;margin:1.1rem 0}
        .verdict{border-top:5px solid var(--green)}
        .verdict h2{font-size:1.75rem;color:var(--green)}
        .verdict.bad{border-top-color:var(--red)}
        .verdict.bad h2{color:var(--red)}
        nav{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;padding:.2rem 0;font-size:.9rem}
        a{color:var(--blue);text-decoration-thickness:1px;text-underline-offset:3px}
        nav a{padding:.25rem 0}
        table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
        th,td{text-align:right;vertical-align:top;padding:.45rem .7rem;border-bottom:1px solid var(--line);\
        white-space:nowrap}
        th:first-child,td:first-child{text-align:left;padding-left:0}
        thead th{color:var(--soft);font-weight:600;font-size:.8rem;overflow-wrap:normal}
        tbody th{font-weight:500}
        tbody tr:last-child>*{border-bottom:0}
        .checks{margin:1rem 0}
        .checks th,.checks td{text-align:left;white-space:normal}
        .checks .sign{white-space:nowrap;font-weight:600;color:var(--soft)}
        .checks .ok .sign{color:var(--green)}
        .checks .bad .sign{color:var(--red)}
        .ground{display:inline-block;white-space:nowrap;font-size:.8rem;border:1px solid var(--line);border-radius:99px;\
        padding:0 .6rem;color:var(--soft);background:var(--ground)}
        .grounds{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.7rem;margin:1rem 0;\
        font-size:.85rem;line-height:1.5;color:var(--soft)}
        .grounds div{background:var(--ground);border-radius:10px;padding:.7rem .9rem}
        .grounds dt{font-weight:600;color:var(--ink)}
        .time{white-space:nowrap}
        dl{margin:0}
        dd{margin:0}
        .facts{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.3rem 1.4rem;margin:.7rem 0;\
        font-size:.9rem}
        .facts dt,.card dt{color:var(--soft)}
        .tiles,.cards{display:grid;gap:.9rem;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));margin:.6rem 0 1rem}
        .cards{grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr))}
        .tile,.card{background:var(--ground);border-radius:10px;padding:.9rem 1.1rem;min-width:0}
        .tile p{margin:0;color:var(--soft);font-size:.875rem}
        .tile .big{color:var(--ink);font-size:1.55rem;line-height:1.35;font-weight:650;font-variant-numeric:tabular-nums}
        .card+.card{margin-top:.9rem}
        .card dt{font-size:.8rem}
        .card dd{margin:0 0 .5rem;font-size:.9rem}
        .card ul{margin:0;padding-left:1.1rem;font-size:.9rem}
        .card li{margin:.35rem 0}
        .wide{overflow-x:auto;margin:.8rem 0}
        .bar{width:24%;min-width:6rem;padding-right:0;vertical-align:middle}
        .bar svg{width:100%;height:8px;display:block;background:var(--ground);border-radius:4px}
        .bar rect{fill:var(--blue)}
        code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.82rem}
        pre{background:var(--ground);border-radius:10px;padding:.75rem .95rem;margin:.3rem 0;white-space:pre-wrap}
        .commands{padding-left:1.3rem;margin:.8rem 0 0}
        .commands li{margin:.9rem 0}
        .digests code{font-size:.76rem}
        figure{margin:.9rem 0}
        figure svg{width:100%;max-width:46rem;height:auto;display:block;overflow:visible}
        .pair{display:grid;gap:0 1.6rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr))}
        svg text{fill:var(--soft);font-size:13px;font-variant-numeric:tabular-nums}
        .pair svg text{font-size:18px}
        svg .axis{font-weight:600}
        .grid{stroke:var(--line)}
        polyline{fill:none;stroke-width:2.5;stroke-linejoin:round}
        .dots{fill:none;stroke:var(--dot);stroke-width:4.5;stroke-linecap:round;opacity:.75}
        polyline.thin{stroke-width:1.75}
        rect.rest{fill:var(--tint)}
        line.break{stroke:var(--amber);stroke-dasharray:2 4;stroke-width:1.5}
        polyline.warm,.dots.warm{stroke:var(--red)}
        .dots.valid{stroke:var(--blue)}
        .dots.seal{stroke:var(--green)}
        svg text.name.valid{fill:var(--blue)}
        svg text.name.seal{fill:var(--green)}
        svg text.name.warm{fill:var(--red)}
        svg text.name.mean{fill:var(--ink)}
        polyline.mean{stroke:var(--ink);stroke-width:2}
        polyline.valid{stroke:var(--blue)}
        polyline.seal{stroke:var(--green)}
        circle.valid{fill:var(--paper);stroke:var(--blue);stroke-width:2.5}
        line.mark{stroke:var(--amber);stroke-dasharray:5 4;stroke-width:1.5}
        svg text.mark{fill:var(--amber);font-weight:600}
        .ticks{fill:var(--amber)}
        .keys{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;margin:.3rem 0;padding:0}
        .keys li{display:flex;align-items:center;gap:.5rem}
        .key{flex:none;width:1.3rem;height:3px;border-radius:2px;background:var(--ink)}
        .key.dot{width:7px;height:7px;border-radius:50%;background:var(--dot)}
        .key.valid{width:11px;height:11px;border-radius:50%;background:none;border:2.5px solid var(--blue)}
        .key.valid.line{width:1.3rem;height:3px;border:0;border-radius:2px;background:var(--blue)}
        .key.seal{background:var(--green)}
        .key.rest{height:11px;background:var(--tint);border:1px solid var(--line)}
        .key.break{background:var(--amber)}
        .key.tick{width:0;height:0;background:none;border:6px solid transparent;border-top:0;\
        border-bottom:11px solid var(--amber);border-radius:0;transform:rotate(180deg)}
        summary{cursor:pointer;color:var(--blue);padding:.5rem 0;font-size:.95rem}
        :focus-visible{outline:2px solid var(--blue);outline-offset:2px;border-radius:4px}
        footer{padding:.5rem 0}
        @media (max-width:40rem){main{padding:1.2rem .8rem 2rem}section{padding:1.1rem 1rem}\
        svg text,.pair svg text{font-size:20px}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:.5rem}\
        .checks thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}\
        .checks tr{display:grid;grid-template-columns:1fr auto;padding:.7rem 0;border-bottom:1px solid var(--line)}\
        .checks tbody tr:last-child{border-bottom:0}.checks td{border:0;padding:0}\
        .roomy{display:none}table{font-size:.84rem}th,td{padding:.4rem .3rem}thead th{white-space:normal}\
        td:last-child,th:last-child{padding-right:0}th code{font-size:.74rem}\
        .checks td:nth-child(2){grid-column:1/-1;grid-row:2;padding-top:.2rem}nav{gap:0 1rem}}
        @media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
        @media print{@page{margin:16mm}body{background:none;font-size:10.5pt}main{max-width:none;padding:0}\
        section{border:0;border-top:1px solid #999;border-radius:0;padding:.8rem 0;margin:.6rem 0}\
        .verdict{border-top:3px solid}nav{display:none}.tile,.card,pre,.ground,.grounds div{background:none;border:1px solid #bbb}\
        figure,tr,.tile,.card,li{break-inside:avoid}h2,h3{break-after:avoid}.wide{overflow:visible}\
        details::details-content{content-visibility:visible;display:block;height:auto}th,td{white-space:normal}\
        figure svg{max-width:34rem}}
        """
}
