// SPDX-License-Identifier: Apache-2.0

package wta15

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lateral-ml/lateral/lib/durable"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/train"
)

// record is the part of a result that is not weights.
type record struct {
	Setting   Setting
	Input     []int
	Histories []*train.History
}

// Save writes the result to a folder: the weights to stack.safetensors, the rest to result.json. It replaces these
// files atomically, each by itself.
func (r *Result) Save(dir string) error {
	text, err := json.Marshal(record{r.Setting, r.Input, r.Histories})
	if err != nil {
		return fmt.Errorf("wta15: %w", err)
	}
	if err := nn.Save(filepath.Join(dir, "stack.safetensors"), r.Stack); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, "result.json"), durable.Seal(text))
}

// Load reads a result that Save wrote. An error leaves r as it was.
func (r *Result) Load(dir string) error {
	file := filepath.Join(dir, "result.json")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var found record
	if text, err = durable.Open(text); err == nil {
		err = json.Unmarshal(text, &found)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: train the stack again", file, err)
	}
	stack, err := NewStack(found.Setting, found.Input)
	if err != nil {
		return fmt.Errorf("%s: %w: train the stack again", file, err)
	}
	if err := nn.Load(filepath.Join(dir, "stack.safetensors"), stack); err != nil {
		return err
	}
	*r = Result{Setting: found.Setting, Input: found.Input, Stack: stack, Histories: found.Histories}
	return nil
}
