// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/durable"
)

// Any content with a valid check sum is an error or a checkpoint from which a run resumes to its end.
func FuzzCheckpoint(f *testing.F) {
	dir := started(f, 17)
	text, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if err != nil {
		f.Fatal(err)
	}
	good, err := parse(text)
	if err != nil {
		f.Fatal(err)
	}
	content, err := durable.Open(text)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	for _, change := range [][2]string{
		{`"Batch":3`, `"Batch":-1`}, {`"Best":1`, `"Best":8`}, {`"Totals"`, `"Todals"`},
		{`"Names":["`, `"Names":["","`}, {`"Seconds":`, `"Seconds":-`}, {`"steps":17`, `"steps":-17`},
		{`"Streams":{`, `"Streams":{"a":"",`}, {`"loss"`, `"losq"`},
		{`"Epoch":2`, `"Epoch":1152921504606846976`}, {`"Train":{`, `"Tr!in":{`}, {`"Trace":null`, `"Trace":["loss"]`},
	} {
		changed := strings.Replace(string(content), change[0], change[1], 1)
		if changed == string(content) {
			f.Fatalf("the checkpoint holds no %s: %s", change[0], content)
		}
		f.Add([]byte(changed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := parse(durable.Seal(content))
		if err != nil {
			return
		}
		// Only the position and the measurements are the fuzzer's: the rest is compared as a whole.
		c.Run, c.Weights, c.Sum = good.Run, good.Weights, good.Sum
		if c.check() != nil {
			return
		}
		run := config(newNet())
		r, err := start(run)
		if err != nil {
			t.Fatal(err)
		}
		if r.Dir = dir; r.restore(c) != nil {
			return
		}
		r.Dir = ""
		if err := r.loop(context.Background()); err != nil {
			var diverged *DivergedError
			if !errors.As(err, &diverged) {
				t.Errorf("%v, from %s", err, content)
			}
			return
		}
		if h := &r.history; len(h.Epochs) != 6 || h.Best < 0 || h.Best > 5 || r.at.Step != 42 {
			t.Errorf("%d epochs, best %d, %d steps, from %s", len(h.Epochs), h.Best, r.at.Step, content)
		}
	})
}

// Any JSON is an error or a history that is written as it was read.
func FuzzHistory(f *testing.F) {
	for _, text := range []string{
		`{"Epochs":null,"Best":0}`, `{"Best":-1}`, `{"Epochs":[],"Best":0,"Trace":{"loss":[1,"+Inf","-Inf"]}}`,
		`{"Epochs":[{"Train":{"loss":1},"Valid":{"loss":"NaN"},"Seconds":2}],"Best":0}`,
		`{"Epochs":[{"Train":null,"Valid":null,"Seconds":1e300}],"Best":0}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var h History
		if json.Unmarshal(text, &h) != nil {
			return
		}
		first, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		var back History
		if err := json.Unmarshal(first, &back); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second, err := json.Marshal(back); err != nil || string(second) != string(first) {
			t.Errorf("%s came back as %s, %v", first, second, err)
		}
		h.TrainSeries("loss")
		if len(h.Epochs) > 0 {
			_ = h.Epochs[h.Best]
		}
	})
}
