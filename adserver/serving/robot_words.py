"""Words by which robots give themselves away, beside the list of those that are known by name.

A robot that nobody has listed yet still says "bot", where to complain, or which library it is.
Each pattern is RE2's, looked for anywhere, whatever the case.
"""

from __future__ import annotations

# What they call themselves: no browser calls itself a bot.
NAMES = (
    r"bots?(?:[^a-z]|$|v[0-9])",
    r"crawl|spider|slurp|scrap(?:er|y|ing)",
)
# Where to complain about them: an address, a host, a mailbox. Readers' browsers name no owner.
OWNERS = (
    r"https?:/|www\.|\+[a-z0-9-]+\.[a-z]",
    r"@[a-z0-9-]+(?:\.|\[dot\]| dot )[a-z]|\[at\]| at [a-z0-9-]+(?: dot |\.(?:com|org|net))",
    r"[a-z0-9]{2}\.(?:com|org|net|edu|io|ai|ru|fr|de|nl|cz|co|info)(?:[/;:,()' ]|$)",
)
# "Compatible" is said by what is no browser; browsers that did so are among PEOPLE.
COMPATIBLE = (r"compatible;",)
# Nothing but a name, without a version and a system: every browser and every app's own library
# says both.
NOTHING_SAID = (
    r"^mozilla/[0-9.]+(?: [a-z]+(?:/[0-9a-z.]+)?| \([a-z]*\))$",
    r"^[a-z][a-z ._:-]*$",
)
# Browsers that a program drives.
DRIVEN = (
    r"headless|phantomjs|slimerjs|casperjs|puppeteer|playwright|selenium|webdriver|cypress",
    r"htmlunit|jsdom|lighthouse|synthetic|ptst/",
)
# Libraries of programs that ask for something by HTTP.
LIBRARIES = (
    r"http[_ -]?(?:client|lib|request|get|fetch)|urlconnection|libwww|libcurl|urllib|webclient",
    r"wget|nutch|^http|mechanize|okhttp",
    r"^(?:curl|lwp|python|aiohttp|java|axios|node|undici|guzzle|ruby|perl|php|pycurl|winhttp|go|"
    r"rust|reqwest|dart|deno|bun|got|superagent|faraday|typhoeus|ahc|jersey)(?:[^a-z]|$)",
)
# Programs that neither the list nor the words above know, by their names.
NAMED = (
    r"^(?:postmanruntime|insomnia|apachebench|kube-probe|prometheus|lua-resty-http|gobuster)/",
    r"^(?:newrelicpinger|bluesky cardyb|zombie\.js)(?:/|$)",
    r"windowspowershell/|[^a-z]rendertron(?:[^a-z]|$)",
)
# What they are for.
TRADES = (
    r"(?:fetch|harvest|valid|check|monitor|archiv|index|extract|scann?|prob|sniff|grab|collect|"
    r"verif|detect|pars|audit|analy[sz]|optimi[sz]|inspect|retriev|gather)(?:i?e|o)r(?:[^a-z]|$)",
    r"(?:monitor|scann|archiv|index|check|research|prefetch|pars|track|discover)ing(?:[^a-z]|$)",
    r"(?:scan|check|audit|fetch|verify)(?:[/;)]|$)|[- ]agent(?:[/;:) ]|$)",
    r"(?:link|site|url|web|page|net|port|ssl|feed)[-_ ]?(?:check|scan|audit|monitor|test|valid)",
    r"preview|uptime|favicon|screenshot|thumbnail|sitemap|webhook|backlink|metadata|speed ?test",
    r"page ?speed|[^a-z]seo(?:[^nu]|$)|plagia|phish|malware|vulnerab|research|survey",
    r"httrack|webcop",
)
WORDS = (*NAMES, *OWNERS, *COMPATIBLE, *NOTHING_SAID, *DRIVEN, *LIBRARIES, *NAMED, *TRADES)

# What is cut out before an agent that looks like a robot's is looked at again: people have it.
PEOPLE = (
    # The model of a phone: Spider 8, M bot 54, ViewSonic, and builds that a robot has copied.
    r"\(linux;[^()]*android [^()]*\)",
    r"cubot[a-z0-9_]*",
    # The reader's mobile network, in apps of Meta.
    r"\[fb[^\]]*\]",
    # Browsers that said "compatible".
    r"compatible; ?(?:msie|konqueror|opera|u;|windows|linux|dillo|netsurf|ibrowse|origyn|icab|"
    r"amigavoyager|omniweb|webtv|netpositive|offbyone|polaris|ant|ms-office|acorn|risc|gecko|"
    r"ncbrowser|oregano|tvm)",
    r"compatible \(tvm|4\.4\.4 compatible;",
    # Names of people's browsers and players with a dot in them, or with an address.
    r"embedded web browser from: http://bsalsa\.com/?|http://www\.xbmc\.org|web\.de|amazon\.com/",
    # Somebody who has shortened it by hand.
    r"^[a-z ._:-]*(?:mobi|phone|ipad|safari|firefox|chrom|browser|gecko|android|edge|opera)"
    r"[a-z ._:-]*$",
    # Browsers without pictures, which have readers: all that they say.
    r"^(?:lynx|w3m|e?links|dillo|netsurf|amaya|[a-z_]*mosaic)[ /(].*",
)
# Of the list, what is in people's agents as well: Sogou's and Viber's browsers, sites that are made
# apps, editors, and phones whose number ends so.
LEFT_OUT = frozenset({"Sogou", "Viber", "Fluid", r"Code\/1\.", r"008\/"})
