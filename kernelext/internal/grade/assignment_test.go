// SPDX-License-Identifier: Apache-2.0

package grade

import (
	"reflect"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
)

func TestAssignment(t *testing.T) {
	text := func(id, source string) *notebook.Cell {
		return &notebook.Cell{Type: notebook.Markdown, ID: id, Source: source}
	}
	exercise := code("mine",
		"import \"math\"\n\n// mine does it.\nfunc mine(x int) int {\n\treturn 0 // write it here\n}\n", "exercise")
	exercise.Metadata["lateral"] = map[string]any{"points": 3.0}
	nb := &notebook.Notebook{Cells: []*notebook.Cell{
		text("title", "# Title"), code("half", "func half(x int) int { return x / 2 }\n\n%%\nhalf(1)"), text("chat", "long"),
		code("train", "%%\ntrain()"),
		text("task", "Do it."), exercise, text("between", "Check it."),
		code("check", "%test\nif mine(1) == 0 {\n\tt.Skip(\"nothing\")\n}"), text("end", "end"),
	}}
	nb.Cells[0].Attachments = map[string]any{"net.png": map[string]any{"image/png": "aGk="}}
	got, err := Assignment(nb)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range got.Cells {
		ids = append(ids, c.ID)
	}
	if s := strings.Join(ids, " "); s != "title half task mine check between" {
		t.Errorf("cells %s", s)
	}
	if !reflect.DeepEqual(got.Cells[0].Attachments, nb.Cells[0].Attachments) {
		t.Errorf("the pictures of a text cell: %v", got.Cells[0].Attachments)
	}
	mine, check := got.Cells[3], got.Cells[4]
	if want := "import \"math\"\n\n// mine does it.\nfunc mine(x int) int {\n" +
		"\t// BEGIN SOLUTION\n\treturn 0 // write it here\n\t// END SOLUTION\n}"; mine.Source != want {
		t.Errorf("exercise %q, want %q", mine.Source, want)
	}
	about := check.Metadata["nbgrader"].(map[string]any)
	if !strings.Contains(check.Source, `t.Fatal("nothing")`) || about["points"] != 3.0 || about["grade"] != true ||
		about["locked"] != true || about["grade_id"] != "check" {
		t.Errorf("check %q, %v", check.Source, about)
	}
	half := got.Cells[1]
	about = half.Metadata["nbgrader"].(map[string]any)
	if half.Source != "func half(x int) int { return x / 2 }\n" ||
		about["locked"] != true || about["solution"] != false {
		t.Errorf("declaration %+v", half)
	}
	if withRegion("var answer = 0") != "// BEGIN SOLUTION\nvar answer = 0\n// END SOLUTION" {
		t.Error("an exercise without a function")
	}
	if _, err := Assignment(&notebook.Notebook{Cells: []*notebook.Cell{code("a", "b")}}); err == nil {
		t.Error("a notebook without exercises is an assignment")
	}
	if _, err := Assignment(&notebook.Notebook{Cells: []*notebook.Cell{code("a", "b", "exercise")}}); err == nil {
		t.Error("an exercise without a check is graded")
	}
}
