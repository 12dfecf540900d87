// SPDX-License-Identifier: Apache-2.0

package thesis21

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/papers/internal/spots"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/experiment"
	"github.com/lateral-ml/lateral/lib/gradcheck"
	"github.com/lateral-ml/lateral/lib/internal/race"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/sweep"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

var small = &experiment.Data{
	Train: spots.Set(600, "train"), Valid: spots.Set(200, "valid"), Test: spots.Set(400, "test"),
}

// setting returns a setting for the small data set, modified by change.
func setting(change func(*Setting)) Setting {
	s := Setting{Task: Classify, Shape: FullyConnected(12, 8), Activation: ReLU, Penalty: L1, Lambda: 0.01, Epochs: 6,
		Seed: 3}
	if change != nil {
		change(&s)
	}
	return s.On(small)
}

// one makes training use a single worker.
var one = experiment.Options{Workers: 1}

func trained(t *testing.T, change func(*Setting)) *Result {
	t.Helper()
	got, err := Train(t.Context(), setting(change), small, one)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The objective is the cross-entropy or the mean squared error plus lambda sum_l w_l s(a_l), computed by plain loops in
// float64; its gradient agrees with finite differences.
func TestObjective(t *testing.T) {
	functions := map[string]func(a float64) float64{
		L1:  math.Abs,
		Log: func(a float64) float64 { return math.Log(1 + a*a) },
		Exp: func(a float64) float64 { return -math.Exp(-a * a) },
	}
	for _, task := range []string{Classify, Autoencode} {
		for _, activation := range []string{ReLU, Sigmoid} {
			for name, s := range functions {
				set := setting(func(x *Setting) {
					x.Task, x.Activation, x.Penalty = task, activation, name
					x.Lambda, x.Weights = 0.2, []float64{1, 0.5}
				})
				tr := newTrainer(set, small)
				for i := range tr.net.Out.Bias.Data() {
					// On both sides of the rectified output's kink, and away from it.
					tr.net.Out.Bias.Data()[i] = float32(4*(i%2) - 2)
				}
				few := small.Train.Subset([]int{0, 30, 99})
				x, y := few.X, few.Y
				forward := func(tape *autograd.Tape) *autograd.Var { return objectiveOf(tr, tape, few) }

				tape := autograd.NewTape(1)
				layers := tr.net.Layers(nil, tape.Input(x))
				want := taskCost(task, layers[2].Value(), x, y)
				for l, w := range set.Weights {
					for _, a := range layers[l].Data() {
						want += set.Lambda * w * s(float64(a)) / 3
					}
				}
				got := float64(forward(autograd.NewTape(1)).Scalar())
				if !(math.Abs(got-want) < 1e-5*(1+math.Abs(want))) {
					t.Errorf("%s, %s, %s: objective %v, by loops %v", task, activation, name, got, want)
				}
				if err := gradcheck.Check(gradcheck.Config{Samples: 20}, forward, nn.Params(tr.net)...); err != nil {
					t.Errorf("%s, %s, %s: %v", task, activation, name, err)
				}
			}
		}
	}
}

// objectiveOf returns the objective of a trainer for a set, on a tape. It goes through package train, since only that
// makes batches.
func objectiveOf(tr *trainer, tape *autograd.Tape, set *dataset.Set) (j *autograd.Var) {
	c := train.Config{BatchSize: set.Len(), Learner: &train.GradientDescent{Workers: 1,
		Loss: func(b *train.Batch) *autograd.Var {
			b.X = tape.Input(set.X)
			j = tr.objective(b)
			return j
		}}}
	if _, err := train.Evaluate(c, set); err != nil {
		panic(err)
	}
	return j
}

func taskCost(task string, out, x *tensor.Tensor, y []int) (cost float64) {
	for n := range out.Rows() {
		if task == Autoencode {
			for i, v := range out.Row(n) {
				d := float64(v) - float64(x.Row(n)[i])
				cost += d * d / float64(out.Len())
			}
			continue
		}
		sum := 0.0
		for _, v := range out.Row(n) {
			sum += math.Exp(float64(v))
		}
		cost += (math.Log(sum) - float64(out.Row(n)[y[n]])) / float64(out.Rows())
	}
	return cost
}

// A penalty makes units inactive. Too large a penalty makes nearly all units inactive; then the biases of the output
// layer alone determine the class.
func TestPenaltyMakesUnitsInactive(t *testing.T) {
	free := trained(t, func(s *Setting) { s.Lambda, s.Epochs = 0, 30 }).Metrics
	dear := trained(t, func(s *Setting) { s.Lambda, s.Epochs = 0.02, 30 }).Metrics
	dead := trained(t, func(s *Setting) { s.Lambda, s.Epochs = 10, 200 }).Metrics
	if free.Accuracy < 0.9 || dear.Accuracy < 0.8 || math.Abs(dead.Accuracy-0.25) > 0.05 {
		t.Errorf("accuracies %v, %v, %v", free.Accuracy, dear.Accuracy, dead.Accuracy)
	}
	for l := range 2 {
		f, d, z := free.Layers[l], dear.Layers[l], dead.Layers[l]
		if !(f.L0.Mean > d.L0.Mean && f.L1.Mean > d.L1.Mean && d.L0.Mean > 0) || z.L0.Mean > 0.1 ||
			z.Dead <= f.Dead || z.Units != []int{12, 8}[l] {
			t.Errorf("layer %d: free %+v, dear %+v, dead %+v", l, f, d, z)
		}
	}
	if dead.Inactive() < 0.99 || dead.Sample.Weighted() > 0.05 || !(dear.Inactive() > free.Inactive()) ||
		!(dear.Sample.Weighted() > free.Sample.Weighted()) {
		t.Errorf("inactive %v, %v, %v, weighted %v, %v", free.Inactive(), dear.Inactive(), dead.Inactive(),
			free.Sample.Weighted(), dear.Sample.Weighted())
	}
}

func TestMetrics(t *testing.T) {
	got := trained(t, nil)
	m := got.Metrics
	// Recompute accuracy and activity from the whole test set at once.
	layers := got.Net.Layers(nil, autograd.NewTape(2).Input(small.Test.X))
	right, active, sum := 0, 0, 0.0
	for i, y := range small.Test.Y {
		best := 0
		for c, v := range layers[2].Value().Row(i) {
			if v > layers[2].Value().Row(i)[best] {
				best = c
			}
		}
		if best == y {
			right++
		}
		for _, a := range layers[0].Value().Row(i) {
			if a > 0 {
				active++
				sum += float64(a)
			}
		}
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-6*(1+math.Abs(want))) {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	near("accuracy", m.Accuracy, float64(right)/400)
	near("l0", m.Layers[0].L0.Mean, float64(active)/400)
	near("l1", m.Layers[0].L1.Mean, sum/400)
	near("loss", m.Loss, taskCost(Classify, layers[2].Value(), small.Test.X, small.Test.Y))
	if len(m.Skewness) != 4 || len(m.Epochs) != 6 || len(m.Layers) != 2 || m.Trace != nil {
		t.Errorf("metrics %+v", m)
	}
	last := m.Epochs[5]
	near("the last epoch's l1", last.L1[1], got.History.Epochs[5].Valid["hidden 2 l1"])
	if last.L0[0] <= 0 || last.Error <= 0 || last.Loss <= 0 || last.TrainLoss <= 0 || last.TrainError <= 0 {
		t.Errorf("the last epoch: %+v", last)
	}

	traced := trained(t, func(s *Setting) { s.Trace, s.Penalty, s.Lambda = true, Log, 0 }).Metrics
	if len(traced.Trace) != 6*6 || traced.Trace[0] <= 0 || traced.Trace[35] <= 0 {
		t.Errorf("the trace of 36 steps has %d values: %v", len(traced.Trace), traced.Trace)
	}
	// The last epoch of the trace is close to the activity on the validation images afterwards.
	e := traced.Epochs[5]
	if ratio := float64(traced.Trace[35]) / (e.L1[0] + e.L1[1]); ratio < 0.8 || ratio > 1.25 {
		t.Errorf("the trace ends at %v, the activity at %v", traced.Trace[35], e.L1)
	}
}

func TestAutoencoder(t *testing.T) {
	m := trained(t, func(s *Setting) { s.Task, s.Lambda, s.Epochs, s.Hidden = Autoencode, 0, 100, []int{64, 32, 64} })
	// Predicting the mean image gives an error of about 0.7²/12 + 0.3² (1/4)(3/4) per pixel.
	mean := 0.49/12 + 0.09*3/16
	if !(m.Metrics.Loss < mean) || m.Metrics.Accuracy != 0 || len(m.Metrics.Layers) != 3 {
		t.Errorf("error %v, that of the mean image %v; %+v", m.Metrics.Loss, mean, m.Metrics)
	}
	for _, v := range m.Net.Forward(autograd.NewTape(1).Input(small.Test.X)).Data() {
		if v < 0 {
			t.Fatalf("an output of %v", v)
		}
	}
}

// The sizes of the layers follow the formula, 8 - 3 + 1 = 6 and 6 - 3 + 1 = 4; every position of every map is a unit.
func TestConvolutional(t *testing.T) {
	conv := func(s *Setting) {
		s.Shape, s.Weights = Shape{[]int{2, 3}, 3, []int{8}}, []float64{1, 0.5, 2}
		s.Lambda, s.Epochs = 0.001, 60
	}
	got := trained(t, conv)
	for i, units := range []int{2 * 6 * 6, 3 * 4 * 4, 8} {
		if l := got.Metrics.Layers[i]; l.Units != units || l.L0.Mean <= 0 || l.L0.Mean > float64(units) {
			t.Errorf("layer %d: %+v, want %d units", i, l, units)
		}
	}
	if got.Metrics.Accuracy < 0.8 || len(got.Metrics.Skewness) != 5 {
		t.Errorf("%+v", got.Metrics)
	}
	below := NewNet(setting(func(s *Setting) { conv(s); s.NegativeBiases = true }), []int{1, 8, 8}, 4)
	for _, b := range below.Hidden[1].(*nn.Conv2D).Bias.Data() {
		if !(b < 0) {
			t.Errorf("a bias of %v", b)
		}
	}
	s := setting(func(s *Setting) { s.Shape = Shape{[]int{1, 1, 1, 1}, 3, []int{8}} })
	if _, err := Train(t.Context(), s, small, one); err == nil ||
		!strings.Contains(err.Error(), "4 layers of 3x3 filters do not fit images of 8x8") {
		t.Errorf("too many filters: %v", err)
	}
}

func TestNegativeBiasesAndNoOutputBias(t *testing.T) {
	got := trained(t, func(s *Setting) { s.NegativeBiases, s.NoOutputBias, s.Lambda, s.Epochs = true, true, 0, 100 })
	if got.Net.Out.Bias != nil {
		t.Error("the output layer has biases")
	}
	for _, layer := range got.Net.Hidden {
		for _, b := range layer.(*nn.Dense).Bias.Data() {
			if !(b < 0) {
				t.Errorf("a bias of %v", b)
			}
		}
	}
	// Without output biases, a zero input gives a zero output.
	for _, v := range got.Net.Forward(autograd.NewTape(1).Input(tensor.New(1, 64))).Data() {
		if v != 0 {
			t.Errorf("a black image gives %v", v)
		}
	}
	if got.Metrics.Accuracy < 0.5 {
		t.Errorf("accuracy %v", got.Metrics.Accuracy)
	}
}

// Initial values lie in U(-1/sqrt(n), 1/sqrt(n)) and fill its range.
func TestInitialWeights(t *testing.T) {
	n := NewNet(setting(func(s *Setting) { s.Hidden = []int{400, 100} }), []int{1, 8, 8}, 4)
	for _, p := range nn.Params(n) {
		bound := map[string]float64{"hidden.0": 1.0 / 8, "hidden.1": 1.0 / 20,
			"out": 1.0 / 10}[p.Name[:strings.LastIndexByte(p.Name, '.')]]
		largest, squares := 0.0, 0.0
		for _, v := range p.Data() {
			largest = max(largest, math.Abs(float64(v)))
			squares += float64(v) * float64(v)
		}
		if largest > bound || (len(p.Data()) > 50 && (largest < 0.9*bound ||
			math.Abs(squares/float64(len(p.Data()))*3/bound/bound-1) > 0.3)) {
			t.Errorf("%s: largest %v, mean square %v, want U(±%v)", p.Name, largest, squares/float64(len(p.Data())),
				bound)
		}
	}
}

func TestTrainIsReproducible(t *testing.T) {
	text := func(change func(*Setting)) string {
		b, err := json.Marshal(trained(t, change).Metrics)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first, second := text(nil), text(nil)
	if first != second {
		t.Error("two runs of one setting differ")
	}
	if first == text(func(s *Setting) { s.Seed++ }) {
		t.Error("another seed gives the same")
	}
}

func TestSweepMergesToTheSameBytes(t *testing.T) {
	shapes := []Shape{FullyConnected(4), FullyConnected(16, 8), {Filters: []int{2}, Kernel: 3, Hidden: []int{4}}}
	g := Grid{Name: "small", Cells: Cells(setting(nil), shapes, []float64{0, 0.01, 0.1}), Seeds: 2}
	dir := t.TempDir()
	run := func(name string, shard sweep.Shard, workers int) string {
		s := Grids.Sweep(g.Settings(small.Source()), small, filepath.Join(dir, name))
		s.Shard, s.Workers = shard, workers
		if _, err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.File
	}
	merged := func(files ...string) string {
		out := filepath.Join(t.TempDir(), "all")
		if n, err := sweep.Merge(out, files...); err != nil || n != g.Len() {
			t.Fatalf("%d results, %v", n, err)
		}
		b, _ := os.ReadFile(out)
		return string(b)
	}
	want := merged(run("whole", sweep.Shard{}, 1))
	if merged(run("four", sweep.Shard{}, 4)) != want {
		t.Error("four workers give other results than one")
	}
	if merged(run("1", sweep.Shard{I: 1, N: 2}, 2), run("0", sweep.Shard{I: 0, N: 2}, 1)) != want {
		t.Error("two shards give other results than one run")
	}
}

func TestTrainErrors(t *testing.T) {
	if _, err := Train(t.Context(), setting(func(s *Setting) { s.Hidden = nil }), small, one); err == nil {
		t.Error("no hidden layer was accepted")
	}
	s := setting(nil)
	s.Checksum = "0123"
	if _, err := Train(t.Context(), s, small, one); err == nil ||
		!strings.Contains(err.Error(), "Spots with the check sum 0123") {
		t.Errorf("a setting for other data: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop button")
	o := experiment.Options{OnEpoch: func(*train.Event) { cancel(stop) }}
	if _, err := Train(ctx, setting(nil), small, o); !errors.Is(err, stop) {
		t.Errorf("cancelled: %v", err)
	}
}

// Training steps with the trace on allocate nothing, for every penalty.
func TestTracedStepsAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, penalty := range []string{L1, Log, Exp} {
		for _, task := range []string{Classify, Autoencode} {
			tr := newTrainer(setting(func(s *Setting) {
				s.Task, s.Penalty, s.Trace, s.Epochs = task, penalty, true,
					1
			}), small)
			c := tr.config(small, one)
			c.BatchSize = 10 // 60 steps
			var before, after runtime.MemStats
			c.OnStep = func(e *train.Event) {
				switch e.Step {
				case 10:
					runtime.ReadMemStats(&before)
				case 50:
					runtime.ReadMemStats(&after)
				}
			}
			if _, err := train.Run(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if n := after.Mallocs - before.Mallocs; n > 2 { // allocations of the runtime itself
				t.Errorf("%s, %s: 40 steps allocate %d times", task, penalty, n)
			}
		}
	}
}

// Trains one of the thesis' networks, at a smaller size.
func ExampleTrain() {
	s := Setting{Task: Classify, Shape: FullyConnected(16), Activation: ReLU, Penalty: L1, Lambda: 0.05, Epochs: 60,
		Seed: 1}
	t, err := Train(context.Background(), s.On(small), small, experiment.Options{Workers: 1})
	if err != nil {
		panic(err)
	}
	m := t.Metrics
	fmt.Println("accurate:", m.Accuracy > 0.8)
	fmt.Println("sparse:", m.Layers[0].L0.Mean < 8, "of", m.Layers[0].Units)
	// Output:
	// accurate: true
	// sparse: true of 16
}
