// SPDX-License-Identifier: Apache-2.0

// Package results collects what executed notebooks show the world: their comparisons (kernelext.Versus) and the figures
// of tagged cells go into one page, and the comparisons into a JSON file, too. It tells when they disagree.
package results

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/lib/durable"
)

// The files, below the root of the module.
const (
	NotebooksDir = "notebooks"
	JSONFile     = "notebooks/results.json"
	PageFile     = "notebooks/RESULTS.md"
	ReadmeFile   = "README.md" // its headline table, between the two marks
)

// A Row is one comparison of a notebook. Document and Here are a float64, a string, or nil where there is no value.
type Row struct {
	Notebook   string   `json:"notebook"` // file name
	Source     string   `json:"source"`   // the document that is compared
	Item       string   `json:"item"`
	Document   any      `json:"document,omitempty"`
	Here       any      `json:"here,omitempty"`
	Unit       string   `json:"unit,omitempty"`
	Seeds      int      `json:"seeds,omitempty"`
	Spread     float64  `json:"spread,omitempty"` // sample standard deviation over the seeds
	Difference *float64 `json:"difference,omitempty"`
	Bound      float64  `json:"bound,omitempty"` // two standard errors of the difference, 0 if not known
	Verdict    string   `json:"verdict,omitempty"`
	Unlike     string   `json:"unlike,omitempty"`   // how the setting differs, if too much to compare
	Counted    bool     `json:"counted,omitempty"`  // by counting or by a formula
	Headline   bool     `json:"headline,omitempty"` // stands in the README
	Note       string   `json:"note,omitempty"`
	Profile    string   `json:"profile"` // amount of work: the run's, unless the row names its own
	Data       string   `json:"data,omitempty"`
	Date       string   `json:"date"`
}

// Collect reads the comparisons of all notebooks in the directory: by file name, and within a notebook in the order
// in which they appear. Where there is no notebook, notebooks is 0.
func Collect(dir string) (rows []Row, notebooks int, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.ipynb")) // sorted
	if err != nil {
		return nil, 0, fmt.Errorf("results: %w", err)
	}
	for _, path := range paths {
		found, err := read(path)
		if err != nil {
			return nil, 0, err
		}
		rows = append(rows, found...)
	}
	return rows, len(paths), nil
}

// read returns the comparisons of one notebook.
func read(path string) ([]Row, error) {
	nb, err := notebook.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows []Row
	seen := map[string]int{} // the cell that holds an item
	for i, cell := range nb.Cells {
		for _, out := range cell.Outputs {
			data, ok := out.Data[kernelext.VersusMIME]
			if !ok {
				continue
			}
			table, err := decode(data)
			if err != nil {
				return nil, fmt.Errorf("results: %s, cell %d: %w: run the notebook again", path, i+1, err)
			}
			for _, row := range table {
				row.Notebook = filepath.Base(path)
				id := row.Source + "\x00" + row.Item + "\x00" + row.Data
				if before, twice := seen[id]; twice {
					return nil, fmt.Errorf("results: %s: %q of %q stands in cell %d and again in cell %d: "+
						"name the two items differently, or keep one", path, row.Item, row.Source, before+1, i+1)
				}
				seen[id] = i
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

// decode reads the machine-readable form of one Versus table.
func decode(data any) ([]Row, error) {
	b, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	var table struct {
		Document, Profile, Date, Lateral string
		Rows                             []Row
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&table); err != nil {
		return nil, fmt.Errorf("a %s output does not read as a comparison: %w", kernelext.VersusMIME, err)
	}
	if table.Document == "" || table.Profile == "" || table.Date == "" {
		return nil, fmt.Errorf("a %s output lacks its document, profile or date", kernelext.VersusMIME)
	}
	for i := range table.Rows {
		r := &table.Rows[i]
		if r.Item == "" || !isValue(r.Document) || !isValue(r.Here) {
			return nil, fmt.Errorf("a %s output has a row without an item, or with a value that is neither a number nor text",
				kernelext.VersusMIME)
		}
		r.Source, r.Profile, r.Date = table.Document, cmp.Or(r.Profile, table.Profile), table.Date
	}
	return table.Rows, nil
}

func isValue(v any) bool {
	switch v.(type) {
	case nil, float64, string:
		return true
	}
	return false
}

// Encode returns the content of the JSON file.
func Encode(rows []Row) ([]byte, error) {
	if rows == nil {
		rows = []Row{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(map[string]any{"rows": rows}); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return b.Bytes(), nil
}

// Page returns the page of results: the comparisons, those of unlike settings and those by counting apart, the notes of
// rows, and the gallery.
func Page(rows []Row, pictures []Picture) string {
	var measured, smaller, counted []Row
	for _, r := range rows {
		switch {
		case r.Counted:
			counted = append(counted, r)
		case r.Unlike != "":
			smaller = append(smaller, r)
		default:
			measured = append(measured, r)
		}
	}
	var b strings.Builder
	b.WriteString(`# Results

Every comparison in the notebooks: a document's value beside the one measured here, with its standard deviation over
seeds. The difference has an interval of two standard errors, from the spread over seeds and, for shares of test
samples, their number. Within it the two values agree; outside it, one is better. Where settings differ too much,
the values are not comparable. ` + "`lateral results`" + ` writes this page from the executed notebooks; a test fails
when they disagree.

`)
	n := notes{}
	b.WriteString(n.table(measured))
	if len(smaller) > 0 {
		b.WriteString("\n## At another size or on other data\n\n" + n.table(smaller))
	}
	if len(counted) > 0 {
		b.WriteString("\n## By counting or by a formula\n\n" + n.table(counted))
	}
	if len(n) > 0 {
		b.WriteString("\n## Notes\n\n" + n.list())
	}
	if len(pictures) > 0 {
		b.WriteString("\n## Gallery\n\n" + strings.TrimSuffix(gallery(pictures), "\n"))
	}
	return b.String()
}

// notes are those that explain single rows, with their numbers. Rows that share one share its number.
type notes map[string]int

// table returns comparisons, and numbers their notes.
func (n notes) table(rows []Row) string {
	if len(rows) == 0 {
		return "No notebook has compared a value yet.\n"
	}
	var b strings.Builder
	b.WriteString("| " + columns + " | data, setting | notebook |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		cells := append(r.cells(), escape.Replace(r.Setting()))
		if r.Note != "" {
			if n[r.Note] == 0 {
				n[r.Note] = len(n) + 1
			}
			cells[1] += fmt.Sprintf(" (note %d)", n[r.Note])
		}
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(cells, " | "), r.link(""))
	}
	return b.String()
}

// list returns the notes by number.
func (n notes) list() string {
	texts := slices.SortedFunc(maps.Keys(n), func(a, b string) int { return n[a] - n[b] })
	var b strings.Builder
	for _, text := range texts {
		fmt.Fprintf(&b, "%d. %s\n", n[text], escape.Replace(text))
	}
	return b.String()
}

// escape writes a text so that it is one cell of a table.
var escape = strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;")

// columns are the heads of a row's cells.
const columns = "document | item | document's value | here | difference ± 2 SE | seeds"

func (r Row) cells() []string {
	cells := []string{r.Source, r.Item, r.DocumentText(), r.HereText(), r.DifferenceText(), count(r.Seeds)}
	for i, c := range cells {
		cells[i] = escape.Replace(c)
	}
	return cells
}

// Setting says what the value was measured on, with how much work, and how that differs from the document's.
func (r Row) Setting() string {
	parts := slices.DeleteFunc([]string{r.Data, r.Profile, r.Unlike}, func(s string) bool { return s == "" })
	return strings.Join(parts, ", ")
}

// link returns a link to the notebook, from a page above the folder of notebooks by dir.
func (r Row) link(dir string) string {
	return fmt.Sprintf("[%s](%s%s)", strings.TrimSuffix(r.Notebook, ".ipynb"), dir, r.Notebook)
}

// The marks around the headline table of the README.
const headlineBegin, headlineEnd = "<!-- headline results, by `lateral results` -->\n", "<!-- end -->\n"

// Headline returns the README with its table of headline results brought up to date. A README without the marks stays
// as it is.
func Headline(readme []byte, rows []Row) []byte {
	before, rest, found := bytes.Cut(readme, []byte(headlineBegin))
	_, after, ends := bytes.Cut(rest, []byte(headlineEnd))
	if !found || !ends {
		return readme
	}
	var b strings.Builder
	b.WriteString("| " + columns + " | notebook |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		if r.Headline {
			fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(r.cells(), " | "), r.link(NotebooksDir+"/"))
		}
	}
	return slices.Concat(before, []byte(headlineBegin+b.String()+headlineEnd), after)
}

// missing stands where there is no value.
const missing = "–"

// DocumentText writes the document's value as the document does.
func (r Row) DocumentText() string {
	switch v := r.Document.(type) {
	case string:
		return v
	case float64:
		return strings.TrimSpace(strconv.FormatFloat(v, 'f', -1, 64) + " " + r.Unit)
	}
	return missing
}

// HereText writes the measured value: four significant figures, or two figures of the spread.
func (r Row) HereText() string {
	switch v := r.Here.(type) {
	case string:
		return v
	case float64:
		s := strconv.FormatFloat(v, 'f', -1, 64)
		s = strconv.FormatFloat(v, 'f', min(decimals(v, 4), fraction(s)), 64)
		if r.Spread > 0 {
			d := decimals(r.Spread, 2)
			s = strconv.FormatFloat(v, 'f', d, 64) + " ± " + strconv.FormatFloat(r.Spread, 'f', d, 64)
		}
		return strings.TrimSpace(s + " " + r.Unit)
	}
	return missing
}

// DifferenceText writes the difference, its interval and the verdict.
func (r Row) DifferenceText() string {
	s := missing
	if r.Difference != nil {
		s = fmt.Sprintf("%+.*f", decimals(*r.Difference, 2), *r.Difference)
		if d := decimals(r.Bound, 2); r.Bound > 0 {
			s = fmt.Sprintf("%+.*f ± %.*f", d, *r.Difference, d, r.Bound)
		}
		s = strings.TrimSpace(s + " " + r.Unit)
	}
	if r.Verdict != "" {
		s = strings.TrimPrefix(s+" ("+r.Verdict+")", missing+" ")
	}
	return s
}

// decimals is the number of decimals that show x with n significant figures.
func decimals(x float64, n int) int {
	if x == 0 {
		return 0
	}
	return max(0, n-1-int(math.Floor(math.Log10(math.Abs(x)))))
}

// fraction is the number of decimals in a written number.
func fraction(s string) int {
	_, digits, _ := strings.Cut(s, ".")
	return len(digits)
}

func count(n int) string {
	if n == 0 {
		return missing
	}
	return strconv.Itoa(n)
}

// files returns what the JSON file, the page, the README and the gallery below root should hold.
func files(root string) (rows []Row, want map[string][]byte, err error) {
	dir := filepath.Join(root, NotebooksDir)
	rows, notebooks, err := Collect(dir)
	if err != nil || notebooks == 0 {
		return nil, nil, err
	}
	pictures, err := Pictures(dir)
	if err != nil {
		return nil, nil, err
	}
	encoded, err := Encode(rows)
	if err != nil {
		return nil, nil, err
	}
	want = map[string][]byte{JSONFile: encoded, PageFile: []byte(Page(rows, pictures))}
	readme, err := os.ReadFile(filepath.Join(root, ReadmeFile))
	switch {
	case err == nil:
		want[ReadmeFile] = Headline(readme, rows)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("results: %w", err)
	}
	for _, p := range pictures {
		want[p.File] = p.PNG
	}
	return rows, want, nil
}

// leftovers returns the files of the gallery that no notebook shows.
func leftovers(root string, want map[string][]byte) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, GalleryDir, "*"))
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return slices.DeleteFunc(found, func(path string) bool {
		_, wanted := want[GalleryDir+"/"+filepath.Base(path)]
		return wanted
	}), nil
}

// Write brings the JSON file, the page and the gallery below root up to date with the notebooks, and returns the rows.
func Write(root string) ([]Row, error) {
	rows, want, err := files(root)
	if err != nil {
		return nil, err
	}
	if want == nil {
		return nil, fmt.Errorf("results: no notebook in %s", filepath.Join(root, NotebooksDir))
	}
	if err := os.MkdirAll(filepath.Join(root, GalleryDir), 0o755); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	for name, content := range want {
		if err := durable.WriteFile(filepath.Join(root, name), content); err != nil {
			return nil, fmt.Errorf("results: %w", err)
		}
	}
	old, err := leftovers(root, want)
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("results: %w", err)
		}
	}
	return rows, err
}

// Check reports how the notebooks, the JSON file, the page and the gallery below root disagree; nil if they agree. A
// tree without any notebook must have no JSON file either.
func Check(root string) error {
	_, want, err := files(root)
	if err != nil {
		return err
	}
	if want == nil {
		if _, err := os.Stat(filepath.Join(root, JSONFile)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("results: %s is there, but no notebook", JSONFile)
		}
		return nil
	}
	var stale []error
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got, err := os.ReadFile(filepath.Join(root, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			stale = append(stale, fmt.Errorf("results: %s is missing", name))
		case err != nil:
			stale = append(stale, fmt.Errorf("results: %w", err))
		case !bytes.Equal(got, want[name]):
			stale = append(stale, fmt.Errorf("results: %s, line %d differs from what the notebooks hold", name,
				firstDifference(got, want[name])))
		}
	}
	old, err := leftovers(root, want)
	if err != nil {
		return err
	}
	for _, path := range old {
		stale = append(stale, fmt.Errorf("results: no notebook shows %s", filepath.Base(path)))
	}
	if len(stale) > 0 {
		stale = append(stale, errors.New("bring them up to date with: lateral results"))
	}
	return errors.Join(stale...)
}

// firstDifference returns the number of the first line that differs.
func firstDifference(a, b []byte) int {
	line := 1
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '\n' {
			line++
		}
	}
	return line
}
