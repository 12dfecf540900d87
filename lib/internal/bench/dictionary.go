// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/sparsecode"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// A learning is the work of the mode -dictionary: 256 atoms are learnt from patches, from the same random start and in
// one pass. Dictionaries are judged by the objective of the lasso on patches of their own.
type learning struct {
	learn *tensor.Tensor // [N, 1, 16, 16]
	start *sparsecode.Dictionary
	judge *tensor.Tensor
}

func newLearning(n int) (*learning, error) {
	if n < codeAtoms || n > 1_000_000 {
		return nil, fmt.Errorf("-dictionary %d: want %d to 1000000 patches", n, codeAtoms)
	}
	c, err := newCoding()
	if err != nil {
		return nil, err
	}
	patches, err := c.draw(n, 3)
	if err != nil {
		return nil, err
	}
	l := &learning{learn: patches.Tensor(0, n), judge: c.patches}
	l.start = sparsecode.RandomDictionary(codeAtoms, 1, codeSize, codeSize)
	return l, nil
}

// A learnt is a dictionary with its cost.
type learnt struct {
	Name      string
	Seconds   float64
	objective float64
}

// ours learns with this library.
func (l *learning) ours(ctx context.Context) (learnt, error) {
	d, err := sparsecode.NewDictionary(l.start.Atoms())
	if err != nil {
		return learnt{}, err
	}
	start := time.Now()
	_, err = train.Run(ctx, train.Config{
		Learner: &sparsecode.Online{
			Dictionary: d, Encoder: &sparsecode.CoordinateDescent{Lambda: codeLambda, Tol: 1e-3},
		},
		Train: &dataset.Set{X: l.learn}, Epochs: 1, BatchSize: 500,
	})
	if err != nil {
		return learnt{}, err
	}
	took := time.Since(start).Seconds()
	objective, err := l.objective(d.Atoms())
	return learnt{"Lateral", took, objective}, err
}

// objective judges atoms.
func (l *learning) objective(atoms *tensor.Tensor) (float64, error) {
	d, err := sparsecode.NewDictionary(atoms)
	if err != nil {
		return 0, err
	}
	e := &sparsecode.CoordinateDescent{Lambda: codeLambda}
	codes, err := sparsecode.Encode(e, d, l.judge)
	if err != nil {
		return 0, err
	}
	return sparsecode.Objective(e, d, l.judge, codes), nil
}

// peer learns with a Python program.
func (l *learning) peer(ctx context.Context, python, dir, program string) (learnt, error) {
	patches, start, out := filepath.Join(dir, "patches"), filepath.Join(dir, "start"), filepath.Join(dir, "learnt")
	for path, t := range map[string]*tensor.Tensor{patches: l.learn, start: l.start.Atoms()} {
		if err := writeFloats(path, t); err != nil {
			return learnt{}, err
		}
	}
	c := exec.CommandContext(ctx, python, filepath.Join(dir, "peers", "dictionary.py"), program, patches, start,
		fmt.Sprint(codeSize*codeSize), fmt.Sprint(codeLambda), out)
	var complaint bytes.Buffer
	c.Stderr = &complaint
	answer, err := c.Output()
	if err != nil {
		return learnt{}, fmt.Errorf("%w: %s", err, lastLine(complaint.String()))
	}
	lines := strings.Split(strings.TrimSpace(string(answer)), "\n") // SPAMS prints, too
	var d learnt
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &d); err != nil {
		return learnt{}, fmt.Errorf("it answered %q: %w", answer, err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		return learnt{}, err
	}
	if len(raw) != 4*l.start.Atoms().Len() {
		return learnt{}, fmt.Errorf("its dictionary has %d bytes, not 4 for each of %d numbers", len(raw),
			l.start.Atoms().Len())
	}
	atoms := tensor.New(codeAtoms, codeSize, codeSize)
	for i := range atoms.Data() {
		atoms.Data()[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	d.objective, err = l.objective(atoms)
	return d, err
}

// dictionary is the mode -dictionary of the command. dir contains the peers' scripts; it is "" without peers.
func dictionary(ctx context.Context, n int, dir string, stdout, log io.Writer) error {
	l, err := newLearning(n)
	if err != nil {
		return err
	}
	first, err := l.ours(ctx)
	if err != nil {
		return err
	}
	all := []learnt{first}
	if dir != "" {
		for _, program := range []string{"scikit-learn", "SPAMS"} {
			for _, python := range interpreters() {
				d, err := l.peer(ctx, python, dir, program)
				if err != nil {
					fmt.Fprintf(log, "skipped: %s with %s: %v\n", program, python, err)
					continue
				}
				all = append(all, d)
			}
		}
	}
	fmt.Fprintf(stdout, "%d atoms of %dx%d pixels, learnt from %d patches in one pass, lambda %v. %s.\n\n", codeAtoms,
		codeSize, codeSize, n, codeLambda, machine())
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "program\ttime\tratio\tobjective\t")
	for _, d := range all {
		fmt.Fprintf(w, "%s\t%.2f s\t%.2f\t%.4f\t\n", d.Name, d.Seconds, d.Seconds/first.Seconds, d.objective)
	}
	return w.Flush()
}
