"""How a question becomes tool calls without any model: read it, understand it, plan, and tell what came back.

The steps, one file each: `text` (tokens), `entities` (names of the lake in it), `wording` (spelling and other
languages), `slots` (what is to change, how far, which days), `classifier` (which intent), `intents` (one row for each),
`memory` (what earlier turns were about), `planner` (the decision), `narrate` (the answer).
"""
