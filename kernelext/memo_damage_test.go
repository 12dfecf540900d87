// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// stored is a network that keeps itself as safetensors.
type stored struct{ layer *nn.Dense }

func newStored(seed uint64) *stored {
	return &stored{nn.NewDense(6, 5, nil, tensor.Stream(seed, "weights"))}
}

func (s *stored) Save(dir string) error {
	return nn.Save(filepath.Join(dir, "weights.safetensors"), s.layer)
}

func (s *stored) Load(dir string) error {
	*s = *newStored(0)
	return nn.Load(filepath.Join(dir, "weights.safetensors"), s.layer)
}

// A flipped bit in any file of an entry is noticed: the value is computed again, with a word that names the file.
func TestMemoFlippedBits(t *testing.T) {
	type portrait struct {
		Net    *nn.Dense
		Losses []float64
		Counts map[string]int
	}
	layer := nn.NewDense(6, 5, nil, tensor.Stream(1, "weights"))
	flipped(t, portrait{layer, []float64{1, 0.5, 0.25}, map[string]int{"dead": 3}}, func(a, b portrait) bool {
		return sameLayer(a.Net, b.Net) && slices.Equal(a.Losses, b.Losses) && reflect.DeepEqual(a.Counts, b.Counts)
	})
	flipped(t, newStored(1), func(a, b *stored) bool { return sameLayer(a.layer, b.layer) })
}

func sameLayer(a, b *nn.Dense) bool {
	return slices.Equal(a.Weight.Data(), b.Weight.Data()) && slices.Equal(a.Bias.Data(), b.Bias.Data())
}

// flipped stores a value, flips single bits of each of its files, and reads it back.
func flipped[T any](t *testing.T, v T, same func(a, b T) bool) {
	t.Helper()
	tries := 1500
	if testing.Short() {
		tries = 150
	}
	dir := t.TempDir()
	memoIn(t, dir, "m", 1, give(v))
	m, err := newMemo("m", 1, reflect.TypeFor[T]())
	must(t, err)
	said := ""
	m.say = func(format string, args ...any) { said = fmt.Sprintf(format, args...) }
	var got T
	recall := func() bool { return m.recall(task{load: func(dir string) error { return load(dir, &got) }}) }
	if !recall() || !same(got, v) {
		t.Fatalf("%T is not read back: %s", v, said)
	}
	var files []string
	must(t, filepath.WalkDir(m.path(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	if len(files) < 2 {
		t.Fatalf("only %v to damage", files)
	}
	rng := rand.New(rand.NewPCG(14, 2))
	for _, file := range files {
		good, err := os.ReadFile(file)
		must(t, err)
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		must(t, err)
		refused := 0
		for range tries {
			bit := rng.IntN(8 * len(good))
			at := int64(bit / 8)
			_, err := f.WriteAt([]byte{good[at] ^ 1<<(bit%8)}, at)
			must(t, err)
			switch used := recall(); {
			case used && !same(got, v):
				t.Errorf("%s, bit %d: another value is read", file, bit)
			case !used && !strings.Contains(said, file):
				t.Errorf("%s, bit %d: %q does not name the file", file, bit, said)
			case !used:
				refused++
			}
			_, err = f.WriteAt(good[at:at+1], at)
			must(t, err)
		}
		must(t, f.Close())
		t.Logf("%s: %d of %d flipped bits are noticed", filepath.Base(file), refused, tries)
		if refused < tries*9/10 {
			t.Errorf("%s: only %d of %d flipped bits are noticed", file, refused, tries)
		}
	}
}

func TestEntriesOutOfRange(t *testing.T) {
	for change, want := range map[string]string{
		`"name":"m"`:                          "",
		`"name":""`:                           `an entry ""`,
		`"key":"../../etc"`:                   `the key "../../etc"`,
		`"seconds":-1`:                        "took -1 s",
		`"files":[{"path":"/x"}]`:             `a file "/x"`,
		`"files":[{"path":"../x"}]`:           `a file "../x"`,
		`"files":[{"path":"x","bytes":-1}]`:   `of -1 bytes`,
		`"files":[{"path":"x","bytes":1e30}]`: "cannot unmarshal number",
		`"files":"none"`:                      "cannot unmarshal string",
	} {
		_, err := parseEntry(durable.Seal([]byte(`{"name":"m","key":"0123456789abcdef","config":1,` + change + `}`)))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", change, err, want)
		}
	}
}

// Whatever a description holds, it is refused, or can be written and read again.
func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(`{"name":"m","key":"0123456789abcdef","config":{"a":[1]},"created":"2026-11-27T00:00:00Z",` +
		`"seconds":1.5,"files":[{"path":"value/a","bytes":3,"sha256":"00"}]}`))
	f.Add([]byte(`{"name":"","key":"","files":[{"path":"../x","bytes":-1}]}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, content []byte) {
		e, err := parseEntry(durable.Seal(content))
		if err != nil {
			return
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("%q is read as what cannot be written: %v", content, err)
		}
		if again, err := parseEntry(durable.Seal(text)); err != nil || again.Size() != e.Size() || again.Name != e.Name {
			t.Errorf("%q is read as %+v, then as %+v, %v", content, e, again, err)
		}
	})
}

// memosScenario keeps values until it is killed, and says so for each.
func memosScenario() {
	for i := 0; ; i++ {
		Memo(fmt.Sprintf("value %d", i), i, func() ([]byte, error) { return valueOf(i), nil })
	}
}

func valueOf(i int) []byte { return bytes.Repeat([]byte(fmt.Sprint(i)), 20_000) }

var storedLine = regexp.MustCompile(`(?m)^memo "value (\d+)": computed in .*, stored .*\n`)

// Processes that store values are killed at random moments, in half of the cases two that want the same values: what
// one of them has reported as stored is there, and the next start clears away what they left behind.
//
// LATERAL_KILLS sets how often; the default is a few times.
func TestMemoKills(t *testing.T) {
	kills := 6
	if text := os.Getenv("LATERAL_KILLS"); text != "" {
		var err error
		kills, err = strconv.Atoi(text)
		must(t, err)
	}
	rng := rand.New(rand.NewPCG(14, 3))
	killed, reported, cleared := 0, 0, 0
	for kill := range kills {
		dir := t.TempDir()
		var victims []*exec.Cmd
		var outputs []string
		for range 1 + kill%2 {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), scenarioVariable+"=memos", "LATERAL_MEMO="+dir)
			out, err := os.CreateTemp(t.TempDir(), "output")
			must(t, err)
			defer out.Close()
			cmd.Stdout = out
			must(t, cmd.Start())
			t.Cleanup(func() { cmd.Process.Kill() }) // if the test fails before
			victims, outputs = append(victims, cmd), append(outputs, out.Name())
		}
		text := func(i int) string {
			b, err := os.ReadFile(outputs[i])
			must(t, err)
			return string(b)
		}
		begun := func(i int) bool { return storedLine.MatchString(text(i)) }
		for start := time.Now(); !begun(0) && !begun(len(victims)-1); time.Sleep(time.Millisecond) {
			if time.Since(start) > 30*time.Second {
				t.Fatalf("nothing is stored: %.1000s", text(0))
			}
		}
		time.Sleep(time.Duration(rng.Int64N(int64(80 * time.Millisecond))))
		for _, i := range rng.Perm(len(victims)) {
			victims[i].Process.Kill()
			if victims[i].Wait(); victims[i].ProcessState.Exited() {
				t.Fatalf("a process has ended before it was killed: %.1000s", text(i))
			}
			time.Sleep(time.Duration(rng.Int64N(int64(10 * time.Millisecond)))) // for the other, if there is one
			killed++
		}
		before := temporaries(t, dir)
		for i := range outputs {
			for _, found := range storedLine.FindAllStringSubmatch(text(i), -1) {
				i, err := strconv.Atoi(found[1])
				must(t, err)
				v, said, err := memoIn(t, dir, "value "+found[1], i, never[[]byte](t))
				if err != nil || !bytes.Equal(v, valueOf(i)) {
					t.Fatalf("kill %d: value %d was stored and is lost: %s %v", kill, i, said, err)
				}
				reported++
			}
		}
		memoIn(t, dir, "next start", 1, give(1))
		if left := temporaries(t, dir); len(left) > 0 {
			t.Errorf("kill %d: the next start leaves %v behind", kill, left)
		}
		cleared += len(before)
		must(t, os.RemoveAll(dir))
	}
	t.Logf("%d kill points, %d processes killed, %d values reported, 0 lost, %d leftovers cleared away",
		kills, killed, reported, cleared)
	if reported < kills {
		t.Errorf("only %d values were reported in %d kills", reported, kills)
	}
}

// temporaries returns the entries that are neither there nor gone.
func temporaries(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	must(t, err)
	for _, d := range list {
		if strings.Contains(d.Name(), temporary) {
			names = append(names, d.Name())
		}
	}
	return names
}

// What is being written is no leftover.
func TestMemoLeavesWhatIsBeingWritten(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LATERAL_MEMO", dir)
	busy, err := newMemo("busy", 1, reflect.TypeFor[int]())
	must(t, err)
	unlock, err := busy.lock()
	must(t, err)
	written := temporaryName(busy.path())
	left := temporaryName(filepath.Join(dir, "gone-0123456789abcdef"))
	must(t, os.Mkdir(written, 0o777))
	must(t, os.MkdirAll(filepath.Join(left, valueDir), 0o777))
	memoIn(t, dir, "m", 1, give(1))
	if got := temporaries(t, dir); !slices.Equal(got, []string{filepath.Base(written)}) {
		t.Errorf("%v are there, want %s", got, written)
	}
	unlock()
	memoIn(t, dir, "m", 1, give(1))
	if got := temporaries(t, dir); len(got) > 0 {
		t.Errorf("%v are left", got)
	}
}

// Without locks nobody knows whether something is a leftover.
func TestMemoLeavesAllWhereNothingCanBeLocked(t *testing.T) {
	t.Setenv("LATERAL_MEMO", t.TempDir())
	defer func() { acquire = durable.Acquire }()
	acquire = func(path string) (*durable.Lock, error) {
		lock, err := durable.Acquire(path)
		must(t, err)
		lock.Release() // so that it is not held
		return lock, nil
	}
	m, err := newMemo("m", 1, reflect.TypeFor[int]())
	must(t, err)
	other := filepath.Join(m.dir, "other-0123456789abcdef")
	must(t, os.Mkdir(temporaryName(m.path()), 0o777))
	must(t, os.Mkdir(temporaryName(other), 0o777))
	if m.removeLeftovers(); len(temporaries(t, m.dir)) != 2 {
		t.Errorf("only %v are left", temporaries(t, m.dir))
	}
}
