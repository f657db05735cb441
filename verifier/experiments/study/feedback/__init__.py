"""The study of direct feedback alignment (D. C. Demirbilek, Beyond Stochastic Gradient Descent, thesis, 2021)."""
