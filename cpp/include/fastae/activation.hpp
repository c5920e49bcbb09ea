#pragma once

#include "fastae/vmath.hpp"

namespace fastae {

// One struct per activation: forward(z), and derivative(h) from the output h = forward(z).

struct Tanh {
    template <class V>
    static V forward(V z) {
        return tanh(z);
    }
    template <class V>
    static V derivative(V h) {
        return Element<V>(1) - h * h;
    }
};

struct Relu {
    template <class V>
    static V forward(V z) {
        return z < Element<V>(0) ? V{} : z;  // NaN stays NaN
    }
    template <class V>
    static V derivative(V h) {
        return h > Element<V>(0) ? splat(Element<V>(1)) : V{};
    }
};

/// Clevert et al. 2016, alpha = 1.
struct Elu {
    template <class V>
    static V forward(V z) {
        return z < Element<V>(0) ? expm1<Element<V>>(z) : z;
    }
    template <class V>
    static V derivative(V h) {
        return h < Element<V>(0) ? h + Element<V>(1) : splat(Element<V>(1));
    }
};

struct Logistic {
    template <class V>
    static V forward(V z) {
        return logistic<Element<V>>(z);
    }
    template <class V>
    static V derivative(V h) {
        return h * (Element<V>(1) - h);
    }
};

struct Identity {
    template <class V>
    static V forward(V z) {
        return z;
    }
    template <class V>
    static V derivative(V) {
        return splat(Element<V>(1));
    }
};

/// Calls f with the struct that stands for the activation, so that f's inner loop has no branch.
template <class F>
inline auto with_activation(Activation activation, F&& f) {
    switch (activation) {
        case Activation::kTanh:
            return f(Tanh{});
        case Activation::kRelu:
            return f(Relu{});
        case Activation::kElu:
            return f(Elu{});
        case Activation::kLogistic:
            return f(Logistic{});
        default:
            return f(Identity{});
    }
}

}  // namespace fastae
