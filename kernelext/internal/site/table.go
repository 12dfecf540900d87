// SPDX-License-Identifier: Apache-2.0

package site

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/lib/durable"
)

// The marks around the table of the course in the README.
const (
	courseBegin = "<!-- course, by `lateral results` -->\n"
	courseEnd   = "<!-- end of the course -->\n"
)

// WriteCourse brings the table of the course in a checkout's README up to date: of each notebook the playground, the
// checked exercises, their points, how long a reader works on it, and the times that a run takes.
func WriteCourse(module string) error {
	have, want, err := courseOf(module)
	if err != nil || bytes.Equal(have, want) {
		return err
	}
	return durable.WriteFile(filepath.Join(module, "README.md"), want)
}

// CheckCourse returns an error if the table of the course is out of date.
func CheckCourse(module string) error {
	have, want, err := courseOf(module)
	if err == nil && !bytes.Equal(have, want) {
		err = errors.New("site: the table of the course in README.md is not what the notebooks hold: run lateral results")
	}
	return err
}

// courseOf returns the README as it is and as it should be. One without the marks should stay, and none be written.
func courseOf(module string) (have, want []byte, err error) {
	have, err = os.ReadFile(filepath.Join(module, "README.md"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("site: %w", err)
	}
	before, rest, found := bytes.Cut(have, []byte(courseBegin))
	_, after, ends := bytes.Cut(rest, []byte(courseEnd))
	if !found || !ends {
		return have, have, nil
	}
	s := Site{Module: module}
	if err := s.readNotebooks(); err != nil {
		return nil, nil, err
	}
	return have, slices.Concat(before, []byte(courseBegin+courseTable(s.notebooks)+courseEnd), after), nil
}

// courseTable returns a row for each notebook.
func courseTable(lessons []*lesson) string {
	var b strings.Builder
	row := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	row("notebook", "playground", "exercises", "points", "minutes to work through", "a quick run", "a standard run")
	row("---", "---", "---", "---", "---", "---", "---")
	for _, l := range lessons {
		var titles []string
		for _, d := range l.Playgrounds {
			titles = append(titles, d.Title)
		}
		row(fmt.Sprintf("[%s](notebooks/%s.ipynb)", l.Title, l.Name), strings.Join(titles, "; "),
			strconv.Itoa(l.Exercises), strconv.FormatFloat(l.Points, 'g', -1, 64), strconv.Itoa(l.Minutes),
			short(l.Quick), short(l.Long))
	}
	return b.String()
}

// span is a time in words, such as "about 2 minutes", "25 s / 40 s" or "hours".
var span = regexp.MustCompile(`((about|under|less than) )?` +
	`((an?|one|two|five|ten|\d+) (quarter of an hour|s|seconds?|min|minutes?|hours?)\b( / \d+ (s|min)\b)?|` +
	`minutes|hours)`)

// short returns the time in what a notebook says about a run, such as "under 15 minutes, most of it to compile".
func short(text string) string { return span.FindString(text) }
