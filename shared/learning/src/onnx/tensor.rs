//! Constants: the two ways ONNX stores the numbers of a tensor.

use super::proto::{DataType, TensorProto};

/// A constant of `data_type` whose elements are `bytes`, little-endian.
pub(super) fn raw(name: String, data_type: DataType, dims: &[i64], bytes: Vec<u8>) -> TensorProto {
    TensorProto {
        name,
        data_type: data_type as i32,
        dims: dims.to_vec(),
        raw_data: Some(bytes),
        ..TensorProto::default()
    }
}

/// The elements of a float32 tensor; `None` when it is of another type.
pub fn floats_of(tensor: &TensorProto) -> Option<Vec<f32>> {
    if tensor.data_type() != DataType::Float {
        return None;
    }
    let Some(raw) = &tensor.raw_data else { return Some(tensor.float_data.clone()) };
    Some(raw.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
}

/// The elements of an int64 tensor; `None` when it is of another type.
pub fn integers_of(tensor: &TensorProto) -> Option<Vec<i64>> {
    if tensor.data_type() != DataType::Int64 {
        return None;
    }
    let Some(raw) = &tensor.raw_data else { return Some(tensor.int64_data.clone()) };
    Some(raw.as_chunks().0.iter().map(|eight| i64::from_le_bytes(*eight)).collect())
}
