// SPDX-License-Identifier: Apache-2.0

package synth

import (
	"fmt"
	"math"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// Sentences returns n sentences of a small grammar, each a list of words. A verb agrees in number with its subject,
// which may lie several words back, beyond a phrase with another noun ("the dogs near the tree sleep"); that is what a
// recurrent network can learn and counts of neighbouring words cannot. Some verbs follow only living things, and words
// have frequencies that fall as 1/rank, as in natural text. There are about 190 words. It panics if n is negative.
//
// The sentences depend on seed, stream and n alone: more sentences begin with the same ones.
func Sentences(n int, seed uint64, stream string) [][]string {
	if n < 0 {
		panic(fmt.Sprintf("synth: Sentences: %d sentences", n))
	}
	g := grammar{rng: tensor.Stream(seed, "sentences "+stream)}
	sentences := make([][]string, n)
	for i := range sentences {
		g.words = nil
		g.sentence()
		sentences[i] = g.words
	}
	return sentences
}

var (
	living = []string{
		"man", "woman", "dog", "child", "cat", "king", "teacher", "bird", "friend", "doctor", "farmer", "horse", "sailor",
		"girl", "boy", "wolf", "baker", "neighbour", "painter", "queen", "fox", "soldier", "lawyer", "rabbit", "owl",
	}
	things = []string{
		"house", "tree", "book", "river", "stone", "door", "table", "hill", "letter", "boat", "garden", "bridge", "window",
		"road", "lamp", "wall", "field", "cup", "ship", "tower", "coat", "bell", "mirror", "wheel", "candle",
	}
	qualities = []string{
		"old", "small", "young", "red", "quiet", "large", "strange", "happy", "cold", "dark", "tall", "poor", "green",
		"tired", "bright", "wise", "heavy", "gentle",
	}
	acts   = []string{"sleep", "wait", "sing", "run", "laugh", "dream", "speak", "listen", "rest", "fall"}
	states = []string{"stand", "remain", "shine", "move", "disappear", "fall"}
	affect = []string{"see", "find", "know", "follow", "remember", "love", "watch", "fear", "paint", "leave"}
	places = []string{"near", "behind", "in", "under", "beside", "above"}
	times  = []string{"today", "often", "at night", "in winter", "again", "every morning"}
)

type grammar struct {
	rng   *tensor.RNG
	words []string
}

func (g *grammar) say(words ...string) { g.words = append(g.words, words...) }

func (g *grammar) chance(p float64) bool { return g.rng.Float64() < p }

// pick draws a word with a probability that falls as 1/rank.
func (g *grammar) pick(words []string) string {
	total := math.Log(float64(len(words) + 1))
	return words[min(int(math.Exp(g.rng.Float64()*total))-1, len(words)-1)]
}

func (g *grammar) sentence() {
	g.clause()
	if g.chance(0.15) {
		g.say(",", []string{"and", "but", "because"}[g.rng.IntN(3)])
		g.clause()
	}
	g.say(".")
}

func (g *grammar) clause() {
	alive, plural := g.noun(0)
	switch {
	case !alive:
		g.verb(states, plural)
	case g.chance(0.6):
		g.verb(affect, plural)
		g.noun(1)
	default:
		g.verb(acts, plural)
	}
	if g.chance(0.3) {
		g.say(g.pick(times))
	}
}

// noun says a noun phrase at a depth of nesting.
func (g *grammar) noun(depth int) (alive, plural bool) {
	alive, plural = g.chance(0.7), g.chance(0.4)
	if plural {
		g.say([]string{"the", "some", "these", "two"}[g.rng.IntN(4)])
	} else {
		g.say([]string{"the", "a", "this", "every"}[g.rng.IntN(4)])
	}
	for g.chance(0.3) {
		g.say(g.pick(qualities))
	}
	word := g.pick(things)
	if alive {
		word = g.pick(living)
	}
	if plural {
		word = pluralOf(word)
	}
	g.say(word)
	if depth < 2 && g.chance(0.3) {
		if alive && g.chance(0.4) {
			g.say("who")
			g.verb(affect, plural)
		} else {
			g.say(g.pick(places))
		}
		g.noun(depth + 1)
	}
	return alive, plural
}

func (g *grammar) verb(words []string, plural bool) {
	word := g.pick(words)
	if !plural {
		word += "s"
		if word == "watchs" {
			word = "watches"
		}
	}
	g.say(word)
}

func pluralOf(word string) string {
	switch word {
	case "man":
		return "men"
	case "woman":
		return "women"
	case "child":
		return "children"
	case "wolf":
		return "wolves"
	case "fox":
		return "foxes"
	}
	return word + "s"
}
