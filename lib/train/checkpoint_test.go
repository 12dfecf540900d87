// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/optim"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// A run that is interrupted every few steps and resumed in a fresh state ends with the same weights.
func TestInterruptAndResume(t *testing.T) {
	want, history := reference(t)
	for _, every := range []int{1, 3, 7, 10} {
		dir := t.TempDir()
		for resumed := 0; ; resumed++ {
			n := newNet()
			c := config(n)
			c.Dir = dir
			ctx, cancel := context.WithCancelCause(t.Context())
			steps, stop := 0, errors.New("stop button")
			c.OnStep = func(*Event) {
				if steps++; steps == every {
					cancel(stop)
				}
			}
			h, err := Run(ctx, c)
			if err == nil {
				if !slices.Equal(n.weights(), want) || withoutTimes(h) != history {
					t.Errorf("interrupted every %d steps: other results than without interruption", every)
				}
				if resumed < 42/every-1 {
					t.Errorf("interrupted every %d steps: only %d resumptions", every, resumed)
				}
				break
			}
			if !errors.Is(err, stop) || !strings.Contains(err.Error(), "run again to go on") {
				t.Fatal(err)
			}
		}
		// A run that is complete returns at once.
		n := newNet()
		c := config(n)
		c.Dir = dir
		c.OnStep = func(*Event) { t.Error("a complete run made a step") }
		if h, err := Run(t.Context(), c); err != nil || !slices.Equal(n.weights(), want) || withoutTimes(h) != history {
			t.Errorf("a complete run does not return its results: %v", err)
		}
	}
}

// started returns a folder with a checkpoint that config has saved after some steps.
func started(t testing.TB, steps int) string {
	t.Helper()
	dir := t.TempDir()
	c := config(newNet())
	c.Dir = dir
	stopAfter(t, c, steps)
	return dir
}

func stopAfter(t testing.TB, c Config, steps int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.OnStep = func(e *Event) {
		if e.Step == steps {
			cancel()
		}
	}
	if _, err := Run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// drawing is data that draws from a stream of the model and does not describe itself.
type drawing struct {
	*dataset.Set
	rng *tensor.RNG
}

func (d drawing) Gather(b *dataset.Batch, idx []int) {
	d.Set.Gather(b, idx)
	d.rng.Normal(b.X.Row(0)[:1], 0, 1)
}

// Identifying a run leaves it unchanged: its streams, its schedule.
func TestIdentityChangesNothing(t *testing.T) {
	weights := func(dir string) []float32 {
		n := newNet()
		c := config(n)
		c.Dir, c.Train = dir, drawing{blobs(330, 1), n.Dropout.RNG}
		if _, err := Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		return n.weights()
	}
	if !slices.Equal(weights(""), weights(t.TempDir())) {
		t.Error("a run with a folder for checkpoints has other weights than one without")
	}
}

// A checkpoint of another run is refused with the first difference, even without a Key.
func TestForeignCheckpoints(t *testing.T) {
	dir := started(t, 10)
	run := func(change func(c *Config, l *GradientDescent)) error {
		l := newNet().learner()
		c := configOf(l)
		c.Dir = dir
		change(&c, l)
		_, err := Run(t.Context(), c)
		return err
	}
	moved := blobs(330, 1)
	moved.X.Row(329)[19] += 1e-6
	labelled := blobs(330, 1)
	labelled.Y[7] = (labelled.Y[7] + 1) % 3
	other := blobs(150, 2)
	other.X.Row(3)[0]++
	weighted := blobs(330, 1)
	weighted.Weight = make([]float32, 330)
	weighted.Weight[5] = 1
	bent := func(epoch float64) float64 {
		if epoch == 3 {
			return 0.02
		}
		return optim.Linear(0.01, 0.001, 6)(epoch)
	}

	type change func(c *Config, l *GradientDescent)
	on := func(d Data) change { return func(c *Config, _ *GradientDescent) { c.Train = d } }
	by := func(o optim.Optimizer) change { return func(_ *Config, l *GradientDescent) { l.Optimizer = o } }
	at := func(s optim.Schedule) change { return func(_ *Config, l *GradientDescent) { l.Schedule = s } }
	with := func(set func(c *Config)) change { return func(c *Config, _ *GradientDescent) { set(c) } }
	for name, c := range map[string]struct {
		want   string
		change change
	}{
		"seed":             {"Seed was 3 and is now 4", with(func(c *Config) { c.Seed = 4 })},
		"batch size":       {"BatchSize was 50 and is now 7", with(func(c *Config) { c.BatchSize = 7 })},
		"key":              {"Key was null and is now 7", with(func(c *Config) { c.Key = 7 })},
		"wrong key":        {"Key cannot be written", with(func(c *Config) { c.Key = math.NaN() })},
		"trace":            {"Trace was [] and is now [loss]", with(func(c *Config) { c.Trace = []string{"loss"} })},
		"too few epochs":   {"in step 10 of 6 epochs, and now Epochs is 1", with(func(c *Config) { c.Epochs = 1 })},
		"validation data":  {"Valid was ", with(func(c *Config) { c.Valid = other })},
		"fewer samples":    {"Samples was 330 and is now 90", on(blobs(90, 1))},
		"other samples":    {"Data was ", on(blobs(330, 7))},
		"one element":      {"Data was ", on(moved)},
		"one label":        {"Data was ", on(labelled)},
		"weights":          {"Data was ", on(weighted)},
		"optimiser":        {"optim.SGD", by(&optim.SGD{LR: 0.5})},
		"its settings":     {"Beta1=0.5", by(&optim.Adam{Beta1: 0.5})},
		"no schedule":      {"Schedule was 0.01 to 0.001214, ", at(nil)},
		"other schedule":   {"Schedule was ", at(optim.Linear(0.01, 0.002, 6))},
		"of the same ends": {"Schedule was ", at(bent)},
		"model": {"Params was", func(_ *Config, l *GradientDescent) {
			l.Model = nn.NewDense(20, 3, nil, tensor.Stream(1, "w"))
		}},
	} {
		err := run(c.change)
		fails(t, name, err, c.want)
		if name != "wrong key" {
			fails(t, name, err, dir)
		}
	}
	if err := run(func(*Config, *GradientDescent) {}); err != nil {
		t.Errorf("the run itself: %v", err)
	}
}

// A run continues for more epochs if its schedule has the same rates in the earlier ones.
func TestMoreEpochs(t *testing.T) {
	config := func(l *GradientDescent, epochs int, dir string) Config {
		c := configOf(l)
		c.Epochs, c.Dir = epochs, dir
		return c
	}
	for name, c := range map[string]struct {
		schedule func(epochs float64) optim.Schedule
		wrong    bool
	}{
		"constant": {func(float64) optim.Schedule { return optim.Constant(0.01) }, false},
		"none":     {func(float64) optim.Schedule { return nil }, false},
		"falling":  {func(epochs float64) optim.Schedule { return optim.Linear(0.01, 0, epochs) }, true},
	} {
		var nets [2]*net
		dir := t.TempDir()
		for i, epochs := range [][]int{{2, 4}, {4}} {
			for _, n := range epochs {
				nets[i] = newNet()
				l := nets[i].learner()
				l.Schedule = c.schedule(float64(n))
				run := config(l, n, "")
				if i == 0 {
					run.Dir = dir
				}
				switch _, err := Run(t.Context(), run); {
				case c.wrong && i == 0 && n == 4:
					fails(t, name, err, "Schedule was")
				case err != nil:
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if !c.wrong && !slices.Equal(nets[0].weights(), nets[1].weights()) {
			t.Errorf("%s: 2 epochs and 2 more are not 4", name)
		}
	}
}

// With less patience a run would have ended before the checkpoint; with more it continues.
func TestPatienceOfACheckpoint(t *testing.T) {
	config := func(patience int, dir string) (*scripted, Config) {
		l := newScripted(1, 2, 2, 0, 5)
		return l, Config{
			Learner: l, Train: blobs(3, 1), Valid: blobs(2, 1), Epochs: 5, BatchSize: 1,
			Monitor: "m", Patience: patience, Dir: dir,
		}
	}
	dir := t.TempDir()
	for _, step := range []struct {
		patience, epochs int
		wrong            string
	}{
		{2, 3, ""}, {1, 0, "with a Patience of 1 the run ends after 2"}, {2, 3, ""}, {3, 5, ""}, {2, 0, "ends after 3"},
		{0, 5, ""},
	} {
		_, c := config(step.patience, dir)
		h, err := Run(t.Context(), c)
		switch what := fmt.Sprint("patience ", step.patience); {
		case step.wrong != "":
			fails(t, what, err, step.wrong)
		case err != nil || len(h.Epochs) != step.epochs:
			t.Errorf("%s: %v", what, err)
		}
	}
}

// rewrite changes a checkpoint and seals it again.
func rewrite(t testing.TB, dir string, change func(c map[string]any)) {
	t.Helper()
	path := filepath.Join(dir, checkpointFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content, err := durable.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	c := map[string]any{}
	if err := json.Unmarshal(content, &c); err != nil {
		t.Fatal(err)
	}
	change(c)
	if content, err = json.Marshal(c); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, durable.Seal(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// at returns the object within an object.
func at(c map[string]any, name string) map[string]any { return c[name].(map[string]any) }

func epochs(c map[string]any) []any { return at(c, "History")["Epochs"].([]any) }

// A value that no run can have written is an error that names the file, even if the check sum is right.
func TestImpossibleCheckpoints(t *testing.T) {
	original := started(t, 17)
	resume := func(dir string) error {
		c := config(newNet())
		c.Dir = dir
		_, err := Run(t.Context(), c)
		return err
	}
	for name, change := range map[string]func(c map[string]any){
		"negative batch":    func(c map[string]any) { at(c, "At")["Batch"] = -1 },
		"negative epoch":    func(c map[string]any) { at(c, "At")["Epoch"] = -3 },
		"epochs to come":    func(c map[string]any) { at(c, "At")["Epoch"] = 3 },
		"large epoch":       func(c map[string]any) { at(c, "At")["Epoch"], at(c, "At")["Step"] = 1<<60, 7<<60 },
		"another step":      func(c map[string]any) { at(c, "At")["Step"] = 18 },
		"another batch":     func(c map[string]any) { at(c, "At")["Batch"] = 4 },
		"best of the past":  func(c map[string]any) { at(c, "History")["Best"] = -1 },
		"best to come":      func(c map[string]any) { at(c, "History")["Best"] = 7 },
		"another best":      func(c map[string]any) { at(c, "History")["Best"] = 0 },
		"fewer sums":        func(c map[string]any) { at(c, "Sums")["Totals"] = []float64{1} },
		"no totals":         func(c map[string]any) { delete(at(c, "Sums"), "Totals") },
		"negative weight":   func(c map[string]any) { at(c, "Sums")["Weights"] = []float64{-1, 50} },
		"a metric twice":    func(c map[string]any) { at(c, "Sums")["Names"] = []string{"loss", "loss"} },
		"negative time":     func(c map[string]any) { c["Seconds"] = -1 },
		"endless time":      func(c map[string]any) { c["Seconds"] = 1e300 },
		"negative steps":    func(c map[string]any) { at(c, "Values")["steps"] = -1 },
		"fractional steps":  func(c map[string]any) { at(c, "Values")["steps"] = 1.5 },
		"no steps":          func(c map[string]any) { delete(at(c, "Values"), "steps") },
		"other steps":       func(c map[string]any) { c["Values"] = map[string]int{"stebs": 17} },
		"a list of steps":   func(c map[string]any) { at(c, "Values")["steps"] = []int{17} },
		"a short stream":    func(c map[string]any) { at(c, "Streams")["dropout.rng"] = []byte("pcg:") },
		"no stream":         func(c map[string]any) { c["Streams"] = nil },
		"more streams":      func(c map[string]any) { at(c, "Streams")["more"] = []byte("pcg:") },
		"other weights":     func(c map[string]any) { c["Weights"] = "../weights-2-17.safetensors" },
		"missing weights":   func(c map[string]any) { c["Weights"] = "weights-2-18.safetensors" },
		"another sum":       func(c map[string]any) { c["Sum"] = strings.Repeat("0", 64) },
		"no samples":        func(c map[string]any) { at(c, "Run")["Samples"] = 0 },
		"no batches":        func(c map[string]any) { at(c, "Run")["BatchSize"] = 0 },
		"no epochs":         func(c map[string]any) { c["Epochs"] = 0 },
		"endless epochs":    func(c map[string]any) { c["Epochs"] = int64(1) << 62 },
		"unknown field":     func(c map[string]any) { c["Counds"] = 1 },
		"unknown in epochs": func(c map[string]any) { epochs(c)[0].(map[string]any)["Tr!in"] = 1 },
		"a missing epoch":   func(c map[string]any) { at(c, "History")["Epochs"] = epochs(c)[1:] },
		"a trace":           func(c map[string]any) { at(c, "History")["Trace"] = map[string]any{"loss": []int{1}} },
		"the future":        func(c map[string]any) { c["Format"] = 9 },
		"nothing":           func(c map[string]any) { clear(c) },
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
			t.Fatal(err)
		}
		rewrite(t, dir, change)
		fails(t, name, resume(dir), dir)
	}
	if err := resume(original); err != nil {
		t.Errorf("the checkpoint itself: %v", err)
	}
}

// The check sum covers every single bit of checkpoint.json.
func TestEveryBitOfACheckpoint(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(started(t, 17), checkpointFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(text); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for bit := range 8 {
			text[i] ^= 1 << bit
			if _, err := parse(text); err == nil {
				t.Fatalf("bit %d of byte %d was flipped, and nothing said", bit, i)
			}
			text[i] ^= 1 << bit
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	dir := started(t, 17)
	resume := func() error {
		c := config(newNet())
		c.Dir = dir
		_, err := Run(t.Context(), c)
		return err
	}
	weights := filepath.Join(dir, "weights-2-17.safetensors")
	whole, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(weights, whole[:len(whole)/2], 0o644)
	fails(t, "truncated weights", resume(), weights+" is not the file that checkpoint.json was saved with; remove")
	os.Remove(weights)
	fails(t, "lost weights", resume(), weights, "no such file")
	for text, want := range map[string]string{
		"":                                   "damaged",
		`{"Format": 1, `:                     "damaged",
		`{"Format": 1}`:                      "written by an earlier version",
		string(durable.Seal([]byte(`{"F`))):  "cannot be decoded",
		string(durable.Seal([]byte(`{}{}`))): "cannot be decoded",
	} {
		path := filepath.Join(dir, checkpointFile)
		os.WriteFile(path, []byte(text), 0o644)
		fails(t, "checkpoint "+text, resume(), want, path)
	}
}

// Leftovers of killed processes are removed at the next start; other files of the folder stay.
func TestLeftovers(t *testing.T) {
	dir := started(t, 17)
	for _, name := range []string{
		".weights-2-18.safetensors.tmp-12345", ".checkpoint.json.tmp-99", "weights-2-18.safetensors",
		"weights-mine.safetensors", "notes.txt",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := config(newNet())
	c.Dir = dir
	stopAfter(t, c, 18) // starts, and saves once
	files(t, dir, "weights-2-18.safetensors")
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	files(t, dir, "weights-6-42.safetensors")
	os.WriteFile(filepath.Join(dir, "weights-6-41.safetensors"), nil, 0o644)
	c.Learner = newNet().learner()
	if _, err := Run(t.Context(), c); err != nil { // complete
		t.Fatal(err)
	}
	files(t, dir, "weights-6-42.safetensors")
}

// files demands that a folder holds a checkpoint with the given weights and the files that are not train's.
func files(t *testing.T, dir, weights string) {
	t.Helper()
	want := []string{".checkpoint.json.lock", "checkpoint.json", "notes.txt", weights, "weights-mine.safetensors"}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, want) {
		t.Errorf("the folder holds %q, want %q", names, want)
	}
}

// One run has the folder; a second one gets an error that names it, and loses nothing.
func TestTwoRunsInOneFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	first, second := config(newNet()), config(newNet())
	first.Dir, second.Dir = dir, dir
	first.OnStep = func(e *Event) {
		if e.Step == 10 {
			var held *durable.HeldError
			_, err := Run(t.Context(), second)
			if fails(t, "the second run", err, dir, "process "); !errors.As(err, &held) {
				t.Errorf("%v is no HeldError", err)
			}
		}
	}
	if _, err := Run(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	want, _ := reference(t)
	n := newNet()
	second = config(n)
	second.Dir = dir
	if _, err := Run(t.Context(), second); err != nil || !slices.Equal(n.weights(), want) {
		t.Errorf("after the first had ended: %v", err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := config(newNet())
	c.Dir = filepath.Join(file, "run")
	c.OnStep = func(*Event) { t.Error("a step without a folder to save it in") }
	_, err := Run(t.Context(), c)
	fails(t, "a folder below a file", err, c.Dir)
	if os.Getuid() == 0 {
		return // of a user who may write everywhere
	}
	c = config(newNet())
	c.Dir = t.TempDir()
	stopAfter(t, c, 17)
	lock := func(mode os.FileMode) {
		os.Chmod(filepath.Join(c.Dir, ".checkpoint.json.lock"), mode&0o666)
		os.Chmod(c.Dir, mode)
	}
	lock(0o555)
	defer lock(0o755)
	if _, err := Run(t.Context(), c); err == nil || !errors.Is(err, os.ErrPermission) {
		t.Errorf("a folder that is read only: %v", err)
	}
	lock(0o755)
	c.OnStep = nil
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	lock(0o555)
	n := newNet()
	c.Learner = n.learner()
	want, _ := reference(t)
	if _, err := Run(t.Context(), c); err != nil || !slices.Equal(n.weights(), want) {
		t.Errorf("a complete run in a folder that is read only: %v", err)
	}
}
