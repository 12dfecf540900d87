// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// MarshalBinary returns the value of a parameter, so that encoding/gob can store a model whose fields are exported. It
// does not store the name and the gradient. For other variables, which belong to a tape, it returns an error.
func (v *Var) MarshalBinary() ([]byte, error) {
	if v.tape != nil {
		return nil, fmt.Errorf("autograd: the result of %s cannot be stored: only parameters can; store its Value()", v.op)
	}
	return v.Value().MarshalBinary()
}

// UnmarshalBinary makes v a parameter with the value encoded by MarshalBinary.
func (v *Var) UnmarshalBinary(data []byte) error {
	var t tensor.Tensor
	if err := t.UnmarshalBinary(data); err != nil {
		return err
	}
	*v = *NewParam(&t)
	return nil
}
