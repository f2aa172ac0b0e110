"""The builtin pack: MTCNN and dlib's face ResNet, made into ONNX from the weights that two packages carry."""
