"""Whether pages are HTML without a single fault, and what is in them: html_check.py FILE…

Prints a JSON object per file: the names of its elements with their numbers, its attributes that begin with `on` or name
an address, and its text.
"""

import json
import sys
from collections import Counter

import html5lib

for name in sys.argv[1:]:
    with open(name, "rb") as file:
        parser = html5lib.HTMLParser(strict=True, tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
        tree = parser.parse(file.read())
    elements = [one for one in tree.iter() if isinstance(one.tag, str)]
    addresses = {"src", "href", "srcset", "action", "style", "background", "poster", "data"}
    suspicious = [f"{one.tag} {key}" for one in elements for key in one.attrib if key.startswith("on") or key in addresses]
    tags = Counter(one.tag.rsplit("}", 1)[-1] for one in elements)
    text = "".join(text for one in elements if one.tag != "style" for text in [one.text or "", one.tail or ""])
    print(json.dumps({"file": name, "lang": tree.attrib.get("lang"), "tags": tags, "suspicious": suspicious, "text": text}))
