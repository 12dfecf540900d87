// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
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
	name      string
	seconds   float64
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
	patches, start := filepath.Join(dir, "patches"), filepath.Join(dir, "start")
	for path, t := range map[string]*tensor.Tensor{patches: l.learn, start: l.start.Atoms()} {
		if err := writeFloats(path, t); err != nil {
			return learnt{}, err
		}
	}
	atoms := tensor.New(codeAtoms, codeSize, codeSize)
	r, err := runScript(ctx, python, dir, "dictionary.py", atoms.Data(),
		program, patches, start, codeSize*codeSize, codeLambda)
	if err != nil {
		return learnt{}, err
	}
	objective, err := l.objective(atoms)
	return learnt{r.Name, r.Seconds, objective}, err
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
		programs := []string{"scikit-learn", "SPAMS"}
		all = append(all, eachPeer(log, programs, func(python, program string) (learnt, error) {
			return l.peer(ctx, python, dir, program)
		})...)
	}
	fmt.Fprintf(stdout, "%d atoms of %dx%d pixels, learnt from %d patches in one pass, lambda %v. %s.\n\n", codeAtoms,
		codeSize, codeSize, n, codeLambda, machine())
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "program\ttime\tratio\tobjective\t")
	for _, d := range all {
		fmt.Fprintf(w, "%s\t%.2f s\t%.2f\t%.4f\t\n", d.name, d.seconds, d.seconds/first.seconds, d.objective)
	}
	return w.Flush()
}
