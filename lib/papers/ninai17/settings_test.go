// SPDX-License-Identifier: Apache-2.0

package ninai17

import (
	"encoding/json"
	"testing"
)

// Compares the settings with the document. It gives the shape (tables 19 to 21), the variants and the numbers of labels
// (table 1), batch normalisation of net inputs and Xavier initialisation. It does not give the optimiser, rates,
// epochs, batches and term weights. The sign of KL is that of the authors' program; L_M and L_A are ours; see Weights.
func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name    string
		setting Setting
		want    string
	}{
		{"nn-vi", Digits(100, NNVI), `{"data":"","checksum":"","images":0,` +
			`"shape":"32x5x5 full pool, 64x3x3 valid, 64x3x3 full pool, 128x3x3 valid, 10x1x1 valid",` +
			`"labels":100,"unlabelled":60000,"variant":"nn-vi",` +
			`"weights":{"labels":1,"reconstruction":20,"kl":-1,"marginal":2,"nonnegativity":1},"reduction":"mean",` +
			`"noise":0.5,"rampFrom":0.35,"rampTo":0.7,"optimizer":"adam","rate":0.01,"finalRate":0.0001,"hold":0,` +
			`"average":0.999,"epochs":8,"batch":100,"ratio":4,"steps":0,"seed":0}`},
		// Labels alone: the same number of steps, 8 times 750, of 100 labelled images each.
		{"sup", Digits(50, Sup), `{"data":"","checksum":"","images":0,` +
			`"shape":"32x5x5 full pool, 64x3x3 valid, 64x3x3 full pool, 128x3x3 valid, 10x1x1 valid",` +
			`"labels":50,"unlabelled":0,"variant":"sup",` +
			`"weights":{"labels":1,"reconstruction":0,"kl":0,"marginal":0,"nonnegativity":0},"reduction":"mean",` +
			`"noise":0.5,"rampFrom":0.35,"rampTo":0.7,"optimizer":"adam","rate":0.01,"finalRate":0.0001,"hold":0,` +
			`"average":0.999,"epochs":8,"batch":100,"ratio":0,"steps":750,"seed":0}`},
		{"long", Long(), `{"data":"","checksum":"","images":0,` +
			`"shape":"32x5x5 full pool, 64x3x3 valid, 64x3x3 full pool, 128x3x3 valid, 10x1x1 valid",` +
			`"labels":100,"unlabelled":60000,"variant":"nn-vi",` +
			`"weights":{"labels":1,"reconstruction":20,"kl":-1,"marginal":2,"nonnegativity":1,"consistency":2},` +
			`"reduction":"mean","noise":0.5,"rampFrom":0.5,"rampTo":2,"marginalEnd":4,"optimizer":"adam","rate":0.01,` +
			`"finalRate":0.0001,"hold":0,"average":0.999,"epochs":12,"batch":100,"rendered":20,"ratio":9,` +
			`"steps":0,"seed":0}`},
	} {
		got, err := json.Marshal(c.setting)
		if err != nil || string(got) != c.want {
			t.Errorf("%s is\n%s\nwant\n%s (%v)", c.name, got, c.want, err)
		}
	}
	// The terms of each variant [NINAI17, section 7]: MPC has L_RC, VI adds L_KL, NN adds L_NN.
	for variant, want := range map[string]Weights{
		Sup:   {Labels: 1},
		MPC:   {Labels: 1, Reconstruction: 20},
		NNMPC: {Labels: 1, Reconstruction: 20, NonNegativity: 1},
		VI:    {Labels: 1, Reconstruction: 20, KL: -1, Marginal: 2},
		NNVI:  {Labels: 1, Reconstruction: 20, KL: -1, Marginal: 2, NonNegativity: 1},
	} {
		if got := Digits(100, variant).Weights; got != want {
			t.Errorf("%s has the weights %+v, want %+v", variant, got, want)
		}
	}
}
