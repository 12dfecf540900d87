// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/page"
	"github.com/lateral-ml/lateral/kernelext/internal/playground"
)

// A lesson is a notebook of the course, and what the map says about it.
type lesson struct {
	Name, Title string
	Question    string
	Quick, Long string // times of the profiles quick and standard
	Minutes     int    // to work through it, estimated
	Exercises   int
	Points      float64
	Playgrounds []playground.Demo
	Way         bool // on-ramps come first

	nb *notebook.Notebook
}

// onRamp tells whether a notebook is a way in, for readers who lack Go or nets.
func onRamp(name string) bool { return strings.HasPrefix(name, "primer_") }

// readNotebooks reads the notebooks of the checkout: the on-ramps, then the others by number.
func (s *Site) readNotebooks() error {
	paths, err := filepath.Glob(filepath.Join(s.Module, "notebooks", "*.ipynb"))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("site: no notebooks in %s", filepath.Join(s.Module, "notebooks"))
	}
	slices.SortStableFunc(paths, func(a, b string) int {
		return strings.Compare(order(filepath.Base(a)), order(filepath.Base(b)))
	})
	s.notebooks = nil
	for _, path := range paths {
		nb, err := notebook.ReadFile(path)
		if err != nil {
			return err
		}
		s.notebooks = append(s.notebooks, newLesson(strings.TrimSuffix(filepath.Base(path), ".ipynb"), nb))
	}
	return nil
}

// order is what notebooks are sorted by: on-ramps come first.
func order(name string) string {
	if onRamp(name) {
		return " " + name
	}
	return name
}

var (
	titleLine = regexp.MustCompile(`(?m)^# +(.+)$`)
	question  = regexp.MustCompile(`(?m)^\*\*Question\.\*\* +(.+)$`)
	inWords   = regexp.MustCompile("`quick` takes (.+?) and `standard` (.+?) *[(;.]") // where the table has no times
	isTime    = regexp.MustCompile(`\d+ (s|min)\b|minute|hour|day`)
	timeRow   = regexp.MustCompile("(?m)^\\| *`(quick|standard)` *\\|.*\\| *([^|]+?) *\\|$")
)

// opens is the call by which a cell leads to a playground.
var opens = regexp.MustCompile(`kernelext\.Playground\("(\w+)"`)

func newLesson(name string, nb *notebook.Notebook) *lesson {
	l := &lesson{Name: name, Title: name, nb: nb, Way: onRamp(name)}
	if len(nb.Cells) > 0 {
		first := nb.Cells[0].Source
		if m := titleLine.FindStringSubmatch(first); m != nil {
			l.Title = m[1]
		}
		if m := question.FindStringSubmatch(first); m != nil {
			l.Question = strings.NewReplacer("*", "", "`", "").Replace(m[1])
		}
		if m := inWords.FindStringSubmatch(first); m != nil {
			l.Quick, l.Long = m[1], m[2]
		}
		for _, m := range timeRow.FindAllStringSubmatch(first, -1) {
			switch {
			case !isTime.MatchString(m[2]):
			case m[1] == "quick":
				l.Quick = m[2]
			default:
				l.Long = m[2]
			}
		}
	}
	shown, minutes := map[string]bool{}, 0.0
	for _, c := range nb.Cells {
		minutes += c.Minutes()
		if c.HasTag("exercise") {
			l.Exercises++
			l.Points += c.Points()
		}
		for _, m := range opens.FindAllStringSubmatch(c.Source, -1) {
			shown[m[1]] = true
		}
	}
	l.Minutes = int(math.Ceil(minutes/5)) * 5
	for _, d := range playground.Demos() {
		if d.Notebook == name || shown[d.Name] {
			l.Playgrounds = append(l.Playgrounds, d)
		}
	}
	return l
}

// titleOf returns the title of a notebook, "" if there is none.
func (s *Site) titleOf(name string) string {
	for _, l := range s.notebooks {
		if l.Name == name {
			return l.Title
		}
	}
	return ""
}

// link is an address in a page: of another notebook, of a file beside it, or of the site in a checkout.
var link = regexp.MustCompile(`href="([^"#:]*)(#[^"]*)?"`)

// lessons writes the pages of the notebooks, and the notebooks themselves.
func (s *Site) lessons(context.Context) error {
	for i, l := range s.notebooks {
		html, warnings, err := page.Render(l.nb, page.Options{
			Title: l.Title, Dir: filepath.Join(s.Module, "notebooks"), Charts: s.Charts, Offline: true,
			Header: header("../", "course"), Sheets: sheets(), Script: pageFile("theme.js"),
		})
		if err != nil {
			return fmt.Errorf("site: %s: %w", l.Name, err)
		}
		for _, w := range warnings {
			s.warn("%s: %s", l.Name, w)
		}
		text := link.ReplaceAllStringFunc(string(html), s.relink)
		text = strings.Replace(text, "</main>", s.foot(i)+"</main>", 1)
		at := "notebooks/" + l.Name + ".html"
		s.put(at, []byte(text))
		s.learn(at, l.Title, text)
		original, err := read(s.Module, "notebooks", l.Name+".ipynb")
		if err != nil {
			return err
		}
		s.put("notebooks/"+l.Name+".ipynb", original)
	}
	return nil
}

// relink turns an address that a notebook has in a checkout into the one that it has in the site. Addresses of files
// that the site lacks lead to the course map.
func (s *Site) relink(attribute string) string {
	m := link.FindStringSubmatch(attribute)
	target, fragment := m[1], m[2]
	if target == "" || strings.HasSuffix(target, ".html") && !strings.HasPrefix(target, "../site/") {
		return attribute // in the page itself, or of this site
	}
	if in, ok := strings.CutPrefix(target, "../site/"); ok {
		return `href="../` + in + fragment + `"`
	}
	if name, ok := strings.CutSuffix(target, ".ipynb"); ok && s.titleOf(name) != "" {
		return `href="` + name + ".html" + fragment + `"`
	}
	if target == "RESULTS.md" {
		return `href="../results.html"`
	}
	if dir, ok := strings.CutPrefix(target, "../lib/"); ok && !strings.Contains(dir, ".") {
		return `href="../api/` + apiFile("lib/"+strings.Trim(dir, "/")) + `"`
	}
	return `href="../course.html"`
}

// foot is the end of a lesson's page: its playgrounds, the notebook as a file, and the next one.
func (s *Site) foot(i int) string {
	l := s.notebooks[i]
	var b strings.Builder
	b.WriteString("<hr>\n<p class=\"more\">")
	for _, d := range l.Playgrounds {
		fmt.Fprintf(&b, "Playground: <a href=\"../playground/%s.html\">%s</a>. ", d.Name, d.Title)
	}
	fmt.Fprintf(&b, "<a href=\"%s.ipynb\" download>This notebook as a file</a>.", l.Name)
	if i+1 < len(s.notebooks) {
		next := s.notebooks[i+1]
		fmt.Fprintf(&b, " Next: <a href=\"%s.html\">%s</a>.", next.Name, next.Title)
	}
	b.WriteString("</p>\n")
	return b.String()
}

// course writes the map: the notebooks in order, with times and exercises.
func (s *Site) course(context.Context) error {
	exercises, points, minutes := 0, 0.0, 0
	for _, l := range s.notebooks {
		exercises += l.Exercises
		points += l.Points
		minutes += l.Minutes
	}
	body, err := fill("course.html", map[string]any{
		"Lessons": s.notebooks, "Exercises": exercises, "Points": points, "Hours": math.Round(float64(minutes) / 60),
	})
	if err != nil {
		return err
	}
	return s.page(Page{Title: "Course map", At: "course.html", Part: "course", Body: body})
}
