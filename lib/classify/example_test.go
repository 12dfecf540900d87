// SPDX-License-Identifier: Apache-2.0

package classify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/lateral-ml/lateral/lib/classify"
	"github.com/lateral-ml/lateral/lib/dataset/photos"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// From a CSV file to a saved model and a figure of its mistakes.
func Example() {
	dir, err := os.MkdirTemp("", "classify")
	check(err)
	defer os.RemoveAll(dir)
	path, err := flowers(dir) // 150 rows with four measurements, a colour, some missing cells, and the species
	check(err)

	data, err := classify.CSV(path, "species")
	check(err)
	train, test := data.Split(0.8, 1)
	model, err := classify.Fit(context.Background(), train, classify.Config{})
	check(err)
	score, err := model.Score(test)
	check(err)
	check(score.Save(filepath.Join(dir, "confusion.svg")))
	check(model.Save(filepath.Join(dir, "flowers.model")))

	fmt.Println(model.Classes, score.Samples, score.Accuracy > 0.9)
	// Output: [setosa versicolor virginica] 30 true
}

// From a folder of 200 photographs, with a sub-folder for each class, to a saved model and a figure of its mistakes.
func Example_photographs() {
	dir, err := os.MkdirTemp("", "classify")
	check(err)
	defer os.RemoveAll(dir)
	folder, err := shapes(filepath.Join(dir, "shapes"), 200) // discs and bars, JPEG and PNG of different sizes
	check(err)

	data, err := classify.Folder(folder, photos.Config{Height: 24, Width: 24})
	check(err)
	train, test := data.Split(0.8, 1)
	model, err := classify.Fit(context.Background(), train, classify.Config{Epochs: 15})
	check(err)
	score, err := model.Score(test)
	check(err)
	check(score.Save(filepath.Join(dir, "confusion.svg")))
	check(model.Save(filepath.Join(dir, "shapes.model")))

	fmt.Println(model.Classes, score.Samples, score.Accuracy > 0.9)
	// Output: [bar disc] 40 true
}

// serve answers a POST of {"x": [[...], ...]}, rows of numbers, with the class of each row and its probability.
func serve(m *classify.Model) http.Handler {
	type answer struct {
		Class       string
		Probability float32
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct{ X [][]float32 }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var values []float32
		for i, row := range request.X {
			if len(row) != m.Shape[0] {
				http.Error(w, fmt.Sprintf("row %d has %d numbers, want %d", i, len(row), m.Shape[0]), http.StatusBadRequest)
				return
			}
			values = append(values, row...)
		}
		answers := make([]answer, len(request.X))
		p := m.Probabilities(tensor.From(values, len(request.X), m.Shape[0]))
		for i := range answers {
			answers[i].Class, answers[i].Probability = m.Label(p.Row(i))
		}
		json.NewEncoder(w).Encode(answers)
	})
}

// A network loses nine tenths of its weights and answers as an HTTP server. A program calls
// http.ListenAndServe("localhost:8080", serve(model)).
func Example_server() {
	dir, err := os.MkdirTemp("", "classify")
	check(err)
	defer os.RemoveAll(dir)
	path, err := flowers(dir)
	check(err)
	data, err := classify.CSV(path, "species")
	check(err)
	model, err := classify.Fit(context.Background(), data, classify.Config{})
	check(err)
	before := model.Summary(nil).Params()
	check(model.Prune(context.Background(), data, 0.1, classify.Config{Epochs: 20}))
	check(model.Save(filepath.Join(dir, "small.model")))

	small, err := classify.Load(filepath.Join(dir, "small.model"))
	check(err)
	server := httptest.NewServer(serve(small))
	defer server.Close()
	response, err := http.Post(server.URL, "application/json", strings.NewReader(`{"x": [[5, 3.4, 1.5, 0.2, 0]]}`))
	check(err)
	defer response.Body.Close()
	var answers []struct{ Class string }
	check(json.NewDecoder(response.Body).Decode(&answers))
	fmt.Println(before, small.Summary(nil).Params(), answers)
	// Output: 1411 259 [{setosa}]
}
