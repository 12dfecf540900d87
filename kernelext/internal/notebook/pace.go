// SPDX-License-Identifier: Apache-2.0

package notebook

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Points returns what an exercise is worth: the number in the cell's metadata under lateral.points, else 1.
func (c *Cell) Points() float64 {
	settings, _ := c.Metadata["lateral"].(map[string]any)
	if n, err := strconv.ParseFloat(fmt.Sprint(settings["points"]), 64); err == nil && n > 0 {
		return n
	}
	return 1
}

// The pace of a reader who follows everything, by which [Cell.Minutes] estimates times. No readers were timed.
const (
	wordsPerMinute    = 150
	linesPerMinute    = 20
	minutesPerFigure  = 0.5
	minutesPerFormula = 0.5
	minutesPerPoint   = 3 // of an exercise
)

var (
	displayMath = regexp.MustCompile(`(?s)\$\$.*?\$\$`)
	tableRule   = regexp.MustCompile(`(?m)^\|[-| :]+\|$`)
)

// Minutes estimates how long a reader works on the cell: on its words, equations and visible lines of code, on the
// figures that it has drawn, and on an exercise.
func (c *Cell) Minutes() float64 {
	switch c.Type {
	case Markdown:
		text := tableRule.ReplaceAllString(c.Source, "")
		formulas := len(displayMath.FindAllString(text, -1))
		words := len(strings.Fields(strings.ReplaceAll(displayMath.ReplaceAllString(text, ""), "|", " ")))
		return float64(words)/wordsPerMinute + float64(formulas)*minutesPerFormula
	case Code:
		minutes := 0.0
		if c.HasTag("exercise") {
			minutes += c.Points() * minutesPerPoint
		}
		if !c.HasTag("hide-input") && !c.HasTag("remove-input") && !c.HasTag("remove-cell") {
			minutes += float64(codeLines(c.Source)) / linesPerMinute
		}
		for _, out := range c.Outputs {
			if isPicture(out) {
				minutes += minutesPerFigure
			}
		}
		return minutes
	}
	return 0
}

// codeLines counts the lines that hold more than a bracket.
func codeLines(source string) int {
	lines := 0
	for line := range strings.Lines(source) {
		if strings.Trim(line, " \t\n(){}[],") != "" {
			lines++
		}
	}
	return lines
}

func isPicture(out *Output) bool {
	for kind := range out.Data {
		if strings.HasPrefix(kind, "image/") {
			return true
		}
	}
	return false
}
