// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"strings"
)

// An Explorable is a [Drawing] that can also be explored: pointed at, zoomed, filtered. A *figure.Figure is one.
type Explorable interface {
	Drawing
	// Views returns a JSON object, safe inside a script element, as Views of *figure.Figure describes it; false if there
	// are no views.
	Views() (list []byte, ok bool)
}

//go:embed explore.js
var exploreScript string

// Explore shows figures as [Show] does, each with a line below it that opens an interactive view of the same data:
// point at a sample, a step or a cell to see its values (and its image, see figure.WithImages), zoom with Ctrl and the
// wheel or into a box, click into the legend to hide a class.
//
//	kernelext.Explore(figure.ScatterClasses(axes, points, labels, names).WithCaption("..."))
//
// The view is drawn by Apache ECharts in the reader's browser, without the kernel: it works in JupyterLab, in the
// classic notebook, and in exported pages. Its script comes from this machine, where `lateral data get echarts` has put
// it and its check sum is right, and is kept in the notebook once, by the first view that needs it; otherwise the
// browser loads it from a public address, and a line says so. LATERAL_ECHARTS=cdn never keeps it in the notebook.
// Readers without scripts (code-hosting pages, PDF, notebooks that are not trusted) see the static figure, which says
// the same.
func Explore(figures ...Explorable) {
	for _, f := range figures {
		bundles, err := drawingBundles(f)
		if err != nil {
			fmt.Fprintf(os.Stderr, "kernelext: Explore: %v\n", err)
			continue
		}
		if views, ok := f.Views(); ok && inNotebook {
			bundles = append(bundles, viewBundle(views, chartScript(elementKey(views))))
		}
		emit(bundles...)
		keepFigure(f)
	}
}

// viewBundle is the output that holds interactive views.
func viewBundle(views []byte, script string) bundle {
	set := chartLibrary()
	return interactive("explore", "interactive view of the figure above", "("+exploreScript+")("+
		arguments(elementKey(views),
			json.RawMessage(views), script, chartAddress, integrity(set))+")",
		`<details data-lateral="`+elementKey(views)+
			`"><summary style="cursor: pointer">Explore: point at the data, zoom, filter</summary>`+
			`<p>The view is drawn by a script, which this page does not run. In Jupyter, choose Trust Notebook.</p></details>`)
}

// interactive is an output that is an extra on top of the static one before it: HTML with a script.
func interactive(kind, text, script, content string) bundle {
	return bundle{
		data:     map[string]any{"text/html": content + "\n<script>" + script + "</script>", "text/plain": text},
		metadata: map[string]any{"lateral": map[string]any{"role": "view", "kind": kind}},
	}
}

// elementKey names the element of an output by its content, so that the same figure gives the same bytes.
func elementKey(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// arguments writes values as those of a call in a script. JSON of package json cannot end the script.
func arguments(values ...any) string {
	list := make([]string, len(values))
	for i, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			panic(fmt.Sprintf("kernelext: %v", err)) // strings and what was JSON
		}
		list[i] = string(b)
	}
	return strings.Join(list, ", ")
}

// attribute writes text as the value of an HTML attribute.
func attribute(text string) string { return `"` + html.EscapeString(text) + `"` }
