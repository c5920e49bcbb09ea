#include "fastae/split_network.hpp"

#include <vector>

namespace fastae {

namespace {

Network dense_part(const Network& whole, Index n_numbers, Index n_output_units) {
    std::vector<Index> widths{n_numbers};
    std::vector<Activation> activations;
    for (const Layer& layer : whole.layers()) {
        widths.push_back(layer.fan_out);
        activations.push_back(layer.activation);
    }
    widths.back() -= n_output_units;
    return Network(widths, activations);
}

/// Where the weight from input i to output o is.
Index at(const Layer& layer, Index i, Index o) {
    return layer.weight_offset +
           (layer.fan_in_is_wide ? o * layer.stride + i : i * layer.stride + o);
}

}  // namespace

SplitNetwork::SplitNetwork(const Network& whole, Index n_numbers, Index n_input_units,
                           Index n_output_units)
    : whole_(whole),
      n_numbers_(n_numbers),
      n_input_units_(n_input_units),
      n_output_units_(n_output_units),
      n_output_numbers_(n_output_units > 0 ? n_numbers : 0),
      dense_(dense_part(whole, n_numbers, n_output_units)),
      input_stride_(whole_lines(whole.width(1))),
      output_stride_(whole_lines(whole.width(whole.n_layers() - 1)) + kPad) {}

/// Calls copy(offset in the whole network, offset in the dense one) for every parameter of both.
template <class Copy>
void SplitNetwork::for_each_dense(Copy&& copy) const {
    for (std::size_t l = 0; l < dense_.layers().size(); ++l) {
        const Layer& from = whole_.layers()[l];
        const Layer& to = dense_.layers()[l];
        const bool last = l + 1 == dense_.layers().size();
        for (Index o = 0; o < to.fan_out; ++o) {
            // Targets lie behind the output units.
            const Index there = last && o >= n_output_numbers_ ? o + n_output_units_ : o;
            for (Index i = 0; i < to.fan_in; ++i) copy(at(from, i, there), at(to, i, o));
            copy(from.bias_offset + there, to.bias_offset + o);
        }
    }
}

/// The same of the side buffer.
template <class Copy>
void SplitNetwork::for_each_side(Copy&& copy) const {
    const Layer& first = whole_.layers().front();
    for (Index u = 0; u < n_input_units_; ++u) {
        for (Index o = 0; o < first.fan_out; ++o) {
            copy(at(first, n_numbers_ + u, o), input_row(u) + o);
        }
    }
    const Layer& last = whole_.layers().back();
    for (Index u = 0; u < n_output_units_; ++u) {
        const Index o = n_output_numbers_ + u;
        for (Index i = 0; i < last.fan_in; ++i) copy(at(last, i, o), output_row(u) + i);
        copy(last.bias_offset + o, output_row(u) + bias());
    }
}

void SplitNetwork::take_apart(const Weights& whole, const Weights& parts, int n_slots) const {
    for_each_dense([&](Index from, Index to) {
        parts.params[to] = whole.params[from];
        for (int s = 0; s < n_slots; ++s) {
            parts.slots[s * parts.slot_stride + to] = whole.slots[s * whole.slot_stride + from];
        }
    });
    for_each_side([&](Index from, Index to) {
        parts.side[to] = whole.params[from];
        for (int s = 0; s < n_slots; ++s) {
            parts.side_slots[s * side_size() + to] = whole.slots[s * whole.slot_stride + from];
        }
    });
}

void SplitNetwork::put_together(const Weights& parts, const Weights& whole, int n_slots) const {
    for_each_dense([&](Index to, Index from) {
        whole.params[to] = parts.params[from];
        for (int s = 0; s < n_slots; ++s) {
            whole.slots[s * whole.slot_stride + to] = parts.slots[s * parts.slot_stride + from];
        }
    });
    for_each_side([&](Index to, Index from) {
        whole.params[to] = parts.side[from];
        for (int s = 0; s < n_slots; ++s) {
            whole.slots[s * whole.slot_stride + to] = parts.side_slots[s * side_size() + from];
        }
    });
}

}  // namespace fastae
